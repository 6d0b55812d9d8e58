//! The layer of meaning: the cosine of two embeddings, and guards against its blind spots.

use super::calls::{Failure, Recorded, Secrets, answers};
use super::comparison::Verdict;
use super::finding::Finding;
use super::guards;
use super::model::{Endpoint, ModelCalls};
use super::texts;
use super::vectors;
use crate::Cache;
use serde_json::{Map, json};

/// How two outputs are compared by embeddings.
pub(super) struct Embedding<'a> {
    /// The least cosine that is the same.
    pub same_above: f64,
    /// The cosine below which outputs are different.
    pub different_below: f64,
    /// Where vectors come from.
    pub vectors: &'a dyn Vectors,
}

/// What makes vectors of texts.
pub(super) trait Vectors {
    /// Returns one vector for each text, all of one length, or `None` if what tells the
    /// texts apart is kept from the file, where the vectors are.
    fn of(&self, texts: [&str; 2]) -> Result<Option<[Vec<f32>; 2]>, Failure>;
}

/// A model that is asked for vectors, each of which is recorded.
pub(super) struct Model<'a> {
    pub name: &'a str,
    pub dimensions: Option<u32>,
    pub calls: &'a dyn ModelCalls,
    pub cache: Option<&'a Cache>,
}

impl Embedding<'_> {
    /// Compares two outputs; what cannot be compared is the verdict, too.
    pub fn compare(&self, before: &[u8], after: &[u8]) -> Finding {
        let (before, after) = match texts::of(before, after) {
            Ok(texts) => texts,
            Err(finding) => return finding,
        };
        self.cosine(before, after).unwrap_or_else(Failure::finding)
    }

    fn cosine(&self, before: &str, after: &str) -> Result<Finding, Failure> {
        let Some([one, other]) = self.vectors.of([before, after])? else {
            let note = "they differ in what is replaced in the cache file as secret, \
                        so that the embeddings there do not tell";
            return Ok(Finding::new(Verdict::Inconclusive, note));
        };
        let cosine = vectors::cosine(&one, &other).map_err(Failure::Failed)?;
        let (same, different) = (self.same_above, self.different_below);
        let (verdict, why) = if cosine >= same {
            match guards::objection(before, after) {
                None => (Verdict::Same, format!("at least {same}")),
                Some(objection) => {
                    (Verdict::Inconclusive, format!("at least {same}, but {objection}"))
                }
            }
        } else if cosine < different {
            (Verdict::Different, format!("below {different}"))
        } else {
            (Verdict::Inconclusive, format!("between {different} and {same}"))
        };
        let note = format!("cosine {cosine:.4}: {why}");
        Ok(Finding { score: Some(cosine), ..Finding::new(verdict, note) })
    }
}

impl Model<'_> {
    fn recorded(&self, which: &str, text: &str) -> Result<Recorded, Failure> {
        let mut document = Map::new();
        document.insert("f3dx_cache".to_owned(), "embedding".into());
        document.insert("model".to_owned(), self.name.into());
        document.insert("dimensions".to_owned(), self.dimensions.into());
        document.insert("text".to_owned(), text.into());
        Recorded::new(self.cache, format!("the embedding of {which}"), self.name, document)
    }

    /// Asks the model for the vectors of `texts`, and returns each as it is recorded.
    fn call(&self, texts: &[&str]) -> Result<Vec<Vec<u8>>, Failure> {
        const WHAT: &str = "the embedding model";
        let mut request = json!({ "model": self.name, "input": texts, "encoding_format": "float" });
        if let Some(dimensions) = self.dimensions {
            request["dimensions"] = dimensions.into();
        }
        let sent = self.calls.call(Endpoint::Embeddings, request.to_string().as_bytes());
        let response = sent.map_err(|said| Failure::said(WHAT, &said))?;
        let vectors = vectors::of_response(&response, texts.len(), self.dimensions)
            .map_err(|said| Failure::said(WHAT, &said))?;
        Ok(vectors.iter().map(|vector| vectors::to_json(vector)).collect())
    }
}

impl Vectors for Model<'_> {
    fn of(&self, texts: [&str; 2]) -> Result<Option<[Vec<f32>; 2]>, Failure> {
        let asked = [
            self.recorded("the recorded output", texts[0])?,
            self.recorded("the new output", texts[1])?,
        ];
        if asked[0].is(&asked[1]) || Secrets::of(self.cache, texts)? == Secrets::Unlike {
            return Ok(None);
        }
        let bodies = answers(self.cache, &asked, &|places| {
            self.call(&places.iter().map(|&place| texts[place]).collect::<Vec<_>>())
        })?;
        let mut vectors = Vec::new();
        for body in &bodies {
            let vector = vectors::from_json(body)
                .map_err(|why| Failure::Failed(format!("a recorded embedding: {why}")))?;
            vectors.push(vector);
        }
        match <[Vec<f32>; 2]>::try_from(vectors) {
            Ok(vectors) => Ok(Some(vectors)),
            Err(_) => Err(Failure::Failed("an embedding is missing".to_owned())),
        }
    }
}
