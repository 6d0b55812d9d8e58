//! A static encoder: a table with one vector for each token, whose mean is a text's vector.
//!
//! The folder holds the table, `model.safetensors` or else the only file that ends with
//! `.safetensors`; and the tokenizer, `tokenizer.json` or else the only JSON file with
//! `tokenizer` in its name. The table is the file's only tensor: tokens by dimensions, of
//! type F32, F16 or BF16.

use super::super::calls::Failure;
use super::super::embedding::Vectors;
use crate::{Error, ErrorKind, Result};
use safetensors::{Dtype, SafeTensors};
use std::fs;
use std::path::{Path, PathBuf};
use tokenizers::Tokenizer;

/// An encoder in memory.
pub(crate) struct Encoder {
    tokenizer: Tokenizer,
    /// The table, row by row, little-endian.
    rows: Vec<u8>,
    dimensions: usize,
    dtype: Dtype,
}

impl Encoder {
    /// Reads the encoder in a folder.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if a file cannot be read; [`ErrorKind::InvalidArgument`] that names
    /// the file that is missing or none of this kind.
    pub fn open(folder: &Path) -> Result<Self> {
        let model = find(folder, "model.safetensors", |name| name.ends_with(".safetensors"))?;
        let tokens = find(folder, "tokenizer.json", |name| {
            name.contains("tokenizer") && name.ends_with(".json")
        })?;
        let bytes = fs::read(&model).map_err(|cause| Error::io(&model, "read it", cause))?;
        let (rows, count, dimensions, dtype) = table(&bytes).map_err(|why| unfit(&model, why))?;
        let rows = rows.to_vec();
        let json = fs::read(&tokens).map_err(|cause| Error::io(&tokens, "read it", cause))?;
        let mut tokenizer = Tokenizer::from_bytes(json)
            .map_err(|cause| unfit(&tokens, format!("it is no tokenizer: {cause}")))?;
        // All of a text counts, however long, and nothing else.
        tokenizer.with_padding(None);
        tokenizer
            .with_truncation(None)
            .map_err(|cause| unfit(&tokens, format!("its truncation stays: {cause}")))?;
        let known = tokenizer.get_vocab_size(true);
        if known > count {
            let why = format!("it has {known} tokens, the table of vectors {count}");
            return Err(unfit(&tokens, why));
        }
        Ok(Self { tokenizer, rows, dimensions, dtype })
    }

    /// Returns the mean of the vectors of a text's tokens, of length 1.
    fn encode(&self, text: &str) -> Result<Vec<f32>, Failure> {
        let failed = |why: String| Failure::Failed(format!("the encoder: {why}"));
        let encoding = self.tokenizer.encode_fast(text, false);
        let encoding = encoding.map_err(|cause| failed(cause.to_string()))?;
        let mut sum = vec![0.0_f64; self.dimensions];
        for id in encoding.get_ids() {
            let row = self.row(*id).ok_or_else(|| failed(format!("token {id} has no vector")))?;
            sum.iter_mut().zip(row).for_each(|(sum, number)| *sum += number);
        }
        let length = sum.iter().map(|number| number * number).sum::<f64>().sqrt();
        if !length.is_normal() {
            return Err(failed("a text has no token that it knows, or no direction".to_owned()));
        }
        Ok(sum.into_iter().map(|number| (number / length) as f32).collect())
    }

    fn row(&self, id: u32) -> Option<impl Iterator<Item = f64>> {
        let dtype = self.dtype;
        let width = width(dtype)?;
        let start = (id as usize).checked_mul(self.dimensions * width)?;
        let row = self.rows.get(start..)?.get(..self.dimensions * width)?;
        Some(row.chunks_exact(width).map(move |bytes| match (dtype, bytes) {
            (Dtype::F32, [a, b, c, d]) => f64::from(f32::from_le_bytes([*a, *b, *c, *d])),
            (Dtype::BF16, [a, b]) => f64::from(f32::from_le_bytes([0, 0, *a, *b])),
            (_, [a, b]) => half(u16::from_le_bytes([*a, *b])),
            _ => f64::NAN,
        }))
    }
}

impl Vectors for Encoder {
    fn of(&self, texts: [&str; 2]) -> Result<Option<[Vec<f32>; 2]>, Failure> {
        Ok(Some([self.encode(texts[0])?, self.encode(texts[1])?]))
    }
}

/// Finds the file with the usual name, or else the only one that `may_be` it.
fn find(folder: &Path, usual: &str, may_be: impl Fn(&str) -> bool) -> Result<PathBuf> {
    let path = folder.join(usual);
    if path.is_file() {
        return Ok(path);
    }
    let unreadable = |cause| Error::io(folder, "read the folder of the encoder", cause);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        if name.to_str().is_some_and(&may_be) {
            found.push(folder.join(name));
        }
    }
    match <[PathBuf; 1]>::try_from(found) {
        Ok([only]) => Ok(only),
        Err(found) => {
            let why = format!("it has no {usual}, and {} files that may be it", found.len());
            Err(unfit(folder, why))
        }
    }
}

/// Returns the bytes of the table, its rows, its columns and its type.
fn table(bytes: &[u8]) -> Result<(&[u8], usize, usize, Dtype), String> {
    let tensors = SafeTensors::deserialize(bytes)
        .map_err(|cause| format!("it is no safetensors file: {cause}"))?;
    let names = tensors.names();
    let [name] = names[..] else {
        return Err(format!(
            "it holds {} tensors; only a static model is understood, a table with a vector for \
             each token",
            names.len()
        ));
    };
    let tensor = tensors.tensor(name).map_err(|cause| cause.to_string())?;
    let [rows, columns] = tensor.shape()[..] else {
        return Err(format!("{name:?} has {} dimensions, a table has 2", tensor.shape().len()));
    };
    if columns == 0 || width(tensor.dtype()).is_none() {
        let dtype = tensor.dtype();
        return Err(format!(
            "{name:?} is {rows} by {columns} of {dtype:?}; F32, F16 and BF16 are understood"
        ));
    }
    Ok((tensor.data(), rows, columns, tensor.dtype()))
}

fn width(dtype: Dtype) -> Option<usize> {
    match dtype {
        Dtype::F32 => Some(4),
        Dtype::F16 | Dtype::BF16 => Some(2),
        _ => None,
    }
}

/// Reads a number in half precision (IEEE 754 binary16).
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff) / 1024.0);
    sign * match exponent {
        0 => fraction * 2_f64.powi(-14),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction) * 2_f64.powi(exponent - 15),
    }
}

fn unfit(path: &Path, why: impl std::fmt::Display) -> Error {
    Error::file(ErrorKind::InvalidArgument, path, format_args!("{why} (encoder)"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use safetensors::tensor::TensorView;

    const TOKENIZER: &str = r#"{"version": "1.0", "truncation": null, "padding": null,
        "added_tokens": [], "normalizer": null, "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": null, "decoder": null, "model": {"type": "WordLevel",
        "vocab": {"[UNK]": 0, "cat": 1, "dog": 2}, "unk_token": "[UNK]"}}"#;

    fn folder(tensors: &[(&str, Dtype, Vec<usize>, Vec<u8>)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let views = tensors.iter().map(|(name, dtype, shape, data)| {
            (*name, TensorView::new(*dtype, shape.clone(), data).unwrap())
        });
        let bytes = safetensors::serialize(views, None).unwrap();
        fs::write(folder.path().join("table.safetensors"), bytes).unwrap();
        fs::write(folder.path().join("my_tokenizer_config.json"), TOKENIZER).unwrap();
        folder
    }

    fn singles(numbers: &[f32]) -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
    }

    #[test]
    fn a_text_is_the_mean_of_its_tokens() {
        let halves = [0_u16, 0, 0x3c00, 0, 0, 0x4200].map(u16::to_le_bytes).concat();
        for (dtype, data) in
            [(Dtype::F32, singles(&[0.0, 0.0, 1.0, 0.0, 0.0, 3.0])), (Dtype::F16, halves)]
        {
            let folder = folder(&[("embedding.weight", dtype, vec![3, 2], data)]);
            let encoder = Encoder::open(folder.path()).unwrap();
            assert_eq!(encoder.encode("cat cat").unwrap(), [1.0, 0.0]);
            let mixed = encoder.encode("cat cat cat dog").unwrap();
            assert!((mixed[0] - mixed[1]).abs() < 1e-6, "{mixed:?}");
            assert!(encoder.encode("bird").is_err());
        }
    }

    #[test]
    fn half_precision_is_read_exactly() {
        for (bits, number) in
            [(0x3c00, 1.0), (0xc000, -2.0), (0x3555, 0.333_251_953_125), (0x0001, 2_f64.powi(-24))]
        {
            assert_eq!(half(bits), number);
        }
        assert!(half(0x7c00).is_infinite() && half(0x7e00).is_nan());
    }

    #[test]
    fn what_is_no_static_model_is_named() {
        let one = |shape: Vec<usize>, dtype, bytes: usize| {
            folder(&[("table", dtype, shape, vec![0; bytes])])
        };
        let two =
            [("a", Dtype::F32, vec![1, 1], vec![0; 4]), ("b", Dtype::F32, vec![1, 1], vec![0; 4])];
        for (folder, why) in [
            (folder(&two), "2 tensors"),
            (one(vec![3], Dtype::F32, 12), "1 dimensions"),
            (one(vec![3, 2], Dtype::I8, 6), "I8"),
            (one(vec![2, 2], Dtype::F32, 16), "3 tokens, the table of vectors 2"),
            (tempfile::tempdir().unwrap(), "no model.safetensors"),
        ] {
            let error = Encoder::open(folder.path()).map(drop).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert!(error.to_string().contains(why), "{error}");
        }
    }
}
