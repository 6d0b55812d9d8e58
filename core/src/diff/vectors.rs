//! Embeddings: read from a response, written to the cache file, compared.

use super::calls::error_of;
use super::excerpt;
use crate::base64;
use serde::Deserialize;
use serde_json::Value;

/// Returns the vectors of an OpenAI-compatible response to `count` texts, in their order.
///
/// # Errors
///
/// What is wrong with it, for people.
pub(super) fn of_response(
    response: &[u8],
    count: usize,
    dimensions: Option<u32>,
) -> Result<Vec<Vec<f32>>, String> {
    #[derive(Deserialize)]
    struct Response {
        data: Vec<Datum>,
    }
    #[derive(Deserialize)]
    struct Datum {
        index: Option<usize>,
        embedding: Value,
    }
    if let Some(said) = error_of(response) {
        return Err(said);
    }
    let Response { data } = serde_json::from_slice(response)
        .map_err(|cause| format!("its response is no list of embeddings: {cause}"))?;
    if data.len() != count {
        return Err(format!("its response has {} embeddings for {count} texts", data.len()));
    }
    let mut vectors = vec![Vec::new(); count];
    for (place, datum) in data.into_iter().enumerate() {
        let index = datum.index.unwrap_or(place);
        let slot = vectors.get_mut(index).filter(|slot| slot.is_empty());
        let Some(slot) = slot else {
            return Err(format!("its response has an embedding with the wrong index {index}"));
        };
        *slot = numbers(&datum.embedding)?;
        if let Some(wanted) = dimensions
            && slot.len() != wanted as usize
        {
            return Err(format!("its embeddings have {} dimensions, not {wanted}", slot.len()));
        }
    }
    Ok(vectors)
}

/// Returns a vector as it is recorded.
pub(super) fn to_json(vector: &[f32]) -> Vec<u8> {
    // As numbers: a text in base64 could look like a secret, which would be replaced.
    let numbers: Vec<String> = vector.iter().map(f32::to_string).collect();
    format!("{{\"embedding\":[{}]}}", numbers.join(",")).into_bytes()
}

/// Reads what [`to_json`] wrote.
///
/// # Errors
///
/// What is wrong with it, for people.
pub(super) fn from_json(body: &[u8]) -> Result<Vec<f32>, String> {
    #[derive(Deserialize)]
    struct Body {
        embedding: Value,
    }
    let body: Body = serde_json::from_slice(body).map_err(|cause| cause.to_string())?;
    numbers(&body.embedding)
}

/// Returns the cosine of the angle between two vectors.
///
/// # Errors
///
/// If they have none: one is of another length, or zero.
pub(super) fn cosine(one: &[f32], other: &[f32]) -> Result<f64, String> {
    if one.len() != other.len() {
        let (one, other) = (one.len(), other.len());
        return Err(format!("the embeddings have {one} and {other} dimensions"));
    }
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    let lengths = (dot(one, one) * dot(other, other)).sqrt();
    if !(lengths.is_normal()) {
        return Err("an embedding is zero, so it has no direction".to_owned());
    }
    Ok((dot(one, other) / lengths).clamp(-1.0, 1.0))
}

fn numbers(embedding: &Value) -> Result<Vec<f32>, String> {
    let vector = match embedding {
        Value::Array(numbers) => numbers
            .iter()
            .map(|number| number.as_f64().map(|number| number as f32))
            .collect::<Option<Vec<_>>>()
            .ok_or("an embedding holds something else than numbers")?,
        Value::String(text) => {
            let bytes = base64::decode(text).ok_or("an embedding is no base64")?;
            if bytes.len() % 4 != 0 {
                return Err(format!("an embedding has {} bytes, no whole floats", bytes.len()));
            }
            let four = |four: &[u8]| f32::from_le_bytes([four[0], four[1], four[2], four[3]]);
            bytes.chunks_exact(4).map(four).collect()
        }
        other => {
            let mut message = "an embedding is no list of numbers: ".to_owned();
            excerpt::push_short(&other.to_string(), 40, &mut message);
            return Err(message);
        }
    };
    if vector.is_empty() {
        return Err("an embedding is empty".to_owned());
    }
    if !vector.iter().all(|number| number.is_finite()) {
        return Err("an embedding holds a number that is not finite".to_owned());
    }
    Ok(vector)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(response: &str) -> Result<Vec<Vec<f32>>, String> {
        of_response(response.as_bytes(), 2, None)
    }

    #[test]
    fn embeddings_are_put_in_the_order_of_their_indexes() {
        let response =
            r#"{"data":[{"index":1,"embedding":[0,1]},{"index":0,"embedding":[1,0.5]}]}"#;
        assert_eq!(read(response).unwrap(), [[1.0, 0.5], [0.0, 1.0]]);
    }

    #[test]
    fn embeddings_in_base64_are_little_endian_floats() {
        // 1.0 is 00 00 80 3f, -2.0 is 00 00 00 c0.
        let response = r#"{"data":[{"embedding":"AACAPwAAAMA="},{"embedding":"AAAAwAAAgD8"}]}"#;
        assert_eq!(read(response).unwrap(), [[1.0, -2.0], [-2.0, 1.0]]);
    }

    #[test]
    fn a_response_that_is_not_whole_is_refused() {
        for (response, why) in [
            (r#"{"data":[{"embedding":[1]}]}"#, "1 embeddings for 2 texts"),
            (r#"{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]}"#, "index 0"),
            (r#"{"data":[{"index":0,"embedding":[1]},{"index":2,"embedding":[1]}]}"#, "index 2"),
            (r#"{"data":[{"embedding":[1]},{"embedding":[]}]}"#, "empty"),
            (r#"{"data":[{"embedding":[1]},{"embedding":[1e300]}]}"#, "not finite"),
            (r#"{"data":[{"embedding":[1]},{"embedding":[null]}]}"#, "else than numbers"),
            (r#"{"data":[{"embedding":[1]},{"embedding":"AAA"}]}"#, "2 bytes"),
            (r#"{"data":[{"embedding":[1]},{"embedding":"!"}]}"#, "base64"),
            (r#"{"data":[{"embedding":[1]},{"embedding":7}]}"#, "7"),
            (r#"{"error":{"message":"no such model"}}"#, "no such model"),
            ("oops", "no list of embeddings"),
        ] {
            let error = read(response).unwrap_err();
            assert!(error.contains(why), "{response}: {error}");
        }
        let response = br#"{"data":[{"embedding":[1,2]}]}"#;
        assert!(of_response(response, 1, Some(3)).unwrap_err().contains("2 dimensions, not 3"));
    }

    #[test]
    fn a_recorded_vector_is_read_as_it_was() {
        let vector = [0.1, -1.5e-30, 3.402_823_5e38, 1.0, f32::MIN_POSITIVE, 0.023_064_255];
        assert_eq!(from_json(&to_json(&vector)).unwrap(), vector);
    }

    #[test]
    fn a_cosine_is_that_of_the_angle() {
        assert_eq!(cosine(&[1.0, 2.0], &[1.0, 2.0]), Ok(1.0));
        assert_eq!(cosine(&[1.0, 0.0], &[0.0, 3.0]), Ok(0.0));
        assert_eq!(cosine(&[1.0, 0.0], &[-2.0, 0.0]), Ok(-1.0));
        assert_eq!(cosine(&[3.0, 4.0], &[1.0, 0.0]), Ok(0.6));
        assert!(cosine(&[0.0, 0.0], &[1.0, 0.0]).unwrap_err().contains("zero"));
        assert!(cosine(&[1.0], &[1.0, 0.0]).unwrap_err().contains("1 and 2"));
    }
}
