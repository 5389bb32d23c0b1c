//! `.whymodel`: a model in one file, weights as safetensors, everything else beside them as versioned JSON.
//!
//! The file is a valid safetensors file; any reader of that format opens the weights. Its metadata key `whymodel` holds
//! `{"version", "sha256", "card"}`. The checksum covers that text (with itself left empty) and every tensor, so that a
//! changed bit anywhere is noticed.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, SafeTensorError, View};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::model::{Model, ModelCard};
use super::spec::ModelKind;
use crate::base::{Fault, Fingerprint, Result};
use crate::fault;

/// Version of the format that this program writes, and the newest that it reads.
pub const VERSION: u32 = 1;
/// Name of the metadata entry.
const KEY: &str = "whymodel";
/// Largest file that is read.
const LARGEST: u64 = 1 << 30;
/// How much of a large file is read before it is known to be a model.
const BEGINNING: u64 = 1 << 20;

/// The numbers of a tensor.
#[derive(Clone, Debug, PartialEq)]
pub enum TensorData {
    /// 32-bit floats.
    F32(Vec<f32>),
    /// 64-bit floats.
    F64(Vec<f64>),
    /// 64-bit whole numbers.
    I64(Vec<i64>),
}

/// A named tensor, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTensor {
    /// Its name, unique within the model.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its numbers.
    pub data: TensorData,
}

impl NamedTensor {
    fn dtype(&self) -> Dtype {
        match self.data {
            TensorData::F32(_) => Dtype::F32,
            TensorData::F64(_) => Dtype::F64,
            TensorData::I64(_) => Dtype::I64,
        }
    }
    fn bytes(&self) -> Vec<u8> {
        match &self.data {
            TensorData::F32(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
            TensorData::F64(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
            TensorData::I64(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        }
    }
}

impl View for &NamedTensor {
    fn dtype(&self) -> Dtype {
        NamedTensor::dtype(self)
    }
    fn shape(&self) -> &[usize] {
        &self.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Owned(self.bytes())
    }
    fn data_len(&self) -> usize {
        match &self.data {
            TensorData::F32(v) => v.len() * 4,
            TensorData::F64(v) => v.len() * 8,
            TensorData::I64(v) => v.len() * 8,
        }
    }
}

/// Reading tensors by name, each with one clear fault when it is not as expected.
pub mod take {
    use super::{Fault, NamedTensor, Result, TensorData};
    use crate::fault;

    fn wrong(name: &str) -> Fault {
        fault!("ml.model_tensor", tensor = name)
    }
    /// The tensor of a name.
    pub fn tensor<'a>(all: &'a [NamedTensor], name: &str) -> Result<&'a NamedTensor> {
        all.iter().find(|t| t.name == name).ok_or_else(|| wrong(name))
    }
    /// `len` 64-bit floats.
    pub fn f64s(all: &[NamedTensor], name: &str, len: usize) -> Result<Vec<f64>> {
        match &tensor(all, name)?.data {
            TensorData::F64(v) if v.len() == len => Ok(v.clone()),
            _ => Err(wrong(name)),
        }
    }
    /// Any number of 64-bit floats.
    pub fn any_f64s<'a>(all: &'a [NamedTensor], name: &str) -> Result<&'a [f64]> {
        match &tensor(all, name)?.data {
            TensorData::F64(v) => Ok(v),
            _ => Err(wrong(name)),
        }
    }
    /// Any number of whole numbers.
    pub fn i64s<'a>(all: &'a [NamedTensor], name: &str) -> Result<&'a [i64]> {
        match &tensor(all, name)?.data {
            TensorData::I64(v) => Ok(v),
            _ => Err(wrong(name)),
        }
    }
}

fn hash_tensors(mut h: Sha256, tensors: &[NamedTensor]) -> Sha256 {
    let mut sorted: Vec<&NamedTensor> = tensors.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    for t in sorted {
        h.update(format!("{} {:?} {:?}\n", t.name, t.dtype(), t.shape));
        h.update(t.bytes());
    }
    h
}

fn hex(h: Sha256) -> String {
    h.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

/// The fingerprint of a model's numbers: SHA-256 over all tensors by name.
pub fn fingerprint(tensors: &[NamedTensor]) -> Fingerprint {
    Fingerprint(hex(hash_tensors(Sha256::new(), tensors)))
}

#[derive(Serialize)]
struct Written<'a> {
    version: u32,
    sha256: &'a str,
    card: &'a ModelCard,
}
#[derive(Deserialize)]
struct Outline {
    version: u32,
    #[serde(default)]
    sha256: String,
}
#[derive(Deserialize)]
struct Carded {
    card: ModelCard,
}

/// The model as the bytes of a file.
fn to_bytes(card: &ModelCard, tensors: &[NamedTensor], path: &Path) -> Result<Vec<u8>> {
    let broken = |reason: String| fault!("ml.cannot_save", file = path, reason = reason);
    let bare = serde_json::to_string(&Written { version: VERSION, sha256: "", card }).map_err(|e| broken(e.to_string()))?;
    // What cannot be read back must not be written: better one sentence now than a lost model later.
    serde_json::from_str::<Carded>(&bare).map_err(|e| broken(e.to_string()))?;
    sealed(&bare, tensors).map_err(|e| broken(e.to_string()))
}

/// Text and tensors with their checksum.
pub(super) fn sealed(bare: &str, tensors: &[NamedTensor]) -> std::result::Result<Vec<u8>, SafeTensorError> {
    let sum = hex(hash_tensors(Sha256::new().chain_update(bare), tensors));
    let text = bare.replacen("\"sha256\":\"\"", &format!("\"sha256\":\"{sum}\""), 1);
    let metadata = HashMap::from([(KEY.to_owned(), text)]);
    safetensors::serialize(tensors.iter().map(|t| (t.name.as_str(), t)), Some(metadata))
}

/// What stands in a file, without its checksum: text and tensors.
#[cfg(test)]
pub(super) fn unsealed(bytes: &[u8], path: &Path) -> Result<(String, Vec<NamedTensor>)> {
    let (card, tensors) = parse(bytes, path)?;
    let bare = Written { version: VERSION, sha256: "", card: &card };
    Ok((serde_json::to_string(&bare).map_err(|_e| fault!("ml.model_damaged", file = path))?, tensors))
}

/// Writes a model, in one step: a failed save leaves the old file as it was.
pub fn save(model: &dyn Model, path: &Path) -> Result<()> {
    let bytes = to_bytes(model.card(), &model.tensors(), path)?;
    crate::base::file::write_atomic(path, &bytes)
}

/// Reads a model.
pub fn load(path: &Path) -> Result<Arc<dyn Model>> {
    if path.is_dir() {
        return Err(Fault::io(path, &std::io::ErrorKind::IsADirectory.into()));
    }
    let bytes = bytes(path)?;
    let (card, tensors) = parse(&bytes, path)?;
    let inside = |f: Fault| if f.0.code == "ml.model_tensor" { Fault(f.0.with("file", path)) } else { f };
    restore(card, &tensors).map_err(inside)
}

/// The file's bytes; of a large one only the beginning if that is not one of a model, so that nothing is read for nothing.
fn bytes(path: &Path) -> Result<Vec<u8>> {
    use std::io::Read as _;
    let io = |e: &std::io::Error| Fault::io(path, e);
    let mut file = std::fs::File::open(path).map_err(|e| io(&e))?;
    let size = file.metadata().map_err(|e| io(&e))?.len();
    if size > LARGEST {
        return Err(fault!("ml.import_too_large", file = path, size = size >> 20, most = LARGEST >> 20));
    }
    let mut bytes = Vec::new();
    file.by_ref().take(BEGINNING).read_to_end(&mut bytes).map_err(|e| io(&e))?;
    let header = bytes.first_chunk::<8>().map_or(0, |b| u64::from_le_bytes(*b));
    if size > BEGINNING && (bytes.get(8) != Some(&b'{') || header > size - 8) {
        return Err(fault!("ml.not_a_model", file = path));
    }
    file.read_to_end(&mut bytes).map_err(|e| io(&e))?;
    Ok(bytes)
}

fn parse(bytes: &[u8], path: &Path) -> Result<(ModelCard, Vec<NamedTensor>)> {
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| unreadable(&e, bytes, path))?;
    let Some(text) = metadata.metadata().as_ref().and_then(|m| m.get(KEY)) else {
        return Err(fault!("ml.not_a_model", file = path));
    };
    let damaged = || fault!("ml.model_damaged", file = path);
    let outline: Outline = serde_json::from_str(text).map_err(|_e| damaged())?;
    if outline.version > VERSION {
        return Err(fault!("ml.model_newer", file = path, version = outline.version, known = VERSION));
    }
    let whole = SafeTensors::deserialize(bytes).map_err(|e| unreadable(&e, bytes, path))?;
    let mut tensors = Vec::new();
    for (name, view) in whole.tensors() {
        let raw = view.data();
        let data = match view.dtype() {
            Dtype::F32 => TensorData::F32(numbers(raw, f32::from_le_bytes)),
            Dtype::F64 => TensorData::F64(numbers(raw, f64::from_le_bytes)),
            Dtype::I64 => TensorData::I64(numbers(raw, i64::from_le_bytes)),
            _ => return Err(damaged()),
        };
        tensors.push(NamedTensor { name, shape: view.shape().to_vec(), data });
    }
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    let bare = text.replacen(&format!("\"sha256\":\"{}\"", outline.sha256), "\"sha256\":\"\"", 1);
    if hex(hash_tensors(Sha256::new().chain_update(&bare), &tensors)) != outline.sha256 {
        return Err(damaged());
    }
    let card = serde_json::from_str::<Carded>(text).map_err(|e| fault!("ml.model_card", file = path, reason = e.to_string()))?.card;
    Ok((card, tensors))
}

/// Whether the file was cut, or is something else altogether.
fn unreadable(error: &SafeTensorError, bytes: &[u8], path: &Path) -> Fault {
    let header_length = bytes.first_chunk::<8>().map(|b| u64::from_le_bytes(*b));
    let ours = bytes.get(8) == Some(&b'{') && header_length.is_some_and(|n| n < 100_000_000);
    match error {
        SafeTensorError::MetadataIncompleteBuffer | SafeTensorError::InvalidHeaderLength | SafeTensorError::HeaderTooSmall if ours => {
            fault!("ml.model_cut", file = path)
        }
        _ if ours => fault!("ml.model_damaged", file = path),
        _ => fault!("ml.not_a_model", file = path),
    }
}

fn numbers<T, const N: usize>(raw: &[u8], read: fn([u8; N]) -> T) -> Vec<T> {
    raw.as_chunks::<N>().0.iter().map(|b| read(*b)).collect()
}

fn restore(card: ModelCard, tensors: &[NamedTensor]) -> Result<Arc<dyn Model>> {
    Ok(match card.spec.kind {
        ModelKind::Logistic => Arc::new(super::logistic::LogisticModel::from_tensors(card, tensors)?),
        ModelKind::Gbdt => Arc::new(super::trees::TreeModel::from_tensors(card, tensors)?),
        // A model that was read is saved as what it is.
        ModelKind::Import => return Err(fault!("ml.onnx_not_trained")),
        ModelKind::Onnx => Arc::new(super::onnx::OnnxModel::from_tensors(card, tensors)?),
        ModelKind::Dnn | ModelKind::Transformer => Arc::new(super::net::NetModel::restore(card, tensors)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::JobCtx;
    use crate::ml::spec::ModelSpec;
    use crate::ml::train::{sample, train};

    fn trained(kind: ModelKind) -> Arc<dyn Model> {
        let mut spec = ModelSpec::new("m", kind);
        if kind != ModelKind::Logistic {
            spec.epochs = Some(if kind == ModelKind::Gbdt { 8 } else { 1 });
        }
        // Bits are compared: the same device on every machine.
        spec.device = crate::ml::DeviceChoice::Cpu;
        train(&spec, &sample::data(300, 30), &JobCtx::quiet()).unwrap()
    }
    fn code(path: &Path) -> String {
        let fault = load(path).err().expect("must not load");
        assert!(!fault.to_string().contains('{') && fault.to_string().contains("m.whymodel"), "{fault}");
        fault.0.code
    }

    /// A large file that is no model is known by its beginning.
    #[test]
    fn what_is_no_model_is_not_read_to_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m.whymodel");
        let code = |size: u64, begun: &[u8]| {
            std::fs::write(&path, begun).unwrap();
            std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(size).unwrap();
            bytes(&path).map(|b| b.len()).map_err(|f| f.0.code)
        };
        let header = |n: u64| [n.to_le_bytes().as_slice(), b"{"].concat();
        assert_eq!(code(2 * BEGINNING, &[]), Err("ml.not_a_model".to_owned()));
        assert_eq!(code(2 * BEGINNING, &header(u64::MAX)), Err("ml.not_a_model".to_owned()));
        assert_eq!(code(2 * BEGINNING, &header(100)), Ok(2 * BEGINNING as usize), "what may be one is read whole");
        assert_eq!(code(LARGEST + 1, &header(100)), Err("ml.import_too_large".to_owned()));
        assert_eq!(code(4, &[]), Ok(4), "small files are told apart by their content");
    }

    #[test]
    fn a_model_comes_back_bit_for_bit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m.whymodel");
        let x = sample::data(300, 31).x;
        for kind in ModelKind::ALL {
            let m = trained(kind);
            save(m.as_ref(), &path).unwrap();
            let back = load(&path).unwrap();
            assert_eq!(serde_json::to_string(back.card()).unwrap(), serde_json::to_string(m.card()).unwrap());
            assert_eq!(fingerprint(&back.tensors()), m.card().fingerprint);
            let bits = |m: &dyn Model| m.margins(&x, &JobCtx::quiet()).unwrap().iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(back.as_ref()), bits(m.as_ref()));
            let first = std::fs::read(&path).unwrap();
            save(back.as_ref(), &path).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), first, "saving again writes the same bytes");
        }
    }

    #[test]
    fn every_bad_file_has_its_own_sentence() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m.whymodel");
        assert_eq!(code(&path), "base.file_not_found");
        let model = trained(ModelKind::Gbdt);
        save(model.as_ref(), &path).unwrap();
        let good = std::fs::read(&path).unwrap();
        let put = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            code(&path)
        };
        for keep in [good.len() - 1, good.len() / 2, 200, 9] {
            assert_eq!(put(&good[..keep]), "ml.model_cut", "{keep} bytes");
        }
        for foreign in [&b""[..], b"abc", b"a,b,c\n1,2,3\n4,5,6\n", b"PK\x03\x04 something else entirely"] {
            assert_eq!(put(foreign), "ml.not_a_model");
        }
        let plain = NamedTensor { name: "t".into(), shape: vec![1], data: TensorData::F32(vec![1.0]) };
        assert_eq!(put(&safetensors::serialize([("t", &plain)], None).unwrap()), "ml.not_a_model");
        for at in [good.len() - 1, good.len() - 1000] {
            let mut bytes = good.clone();
            bytes[at] ^= 1;
            assert_eq!(put(&bytes), "ml.model_damaged");
        }
        let swapped = |from: &str, to: &str| {
            let (from, to) = (from.as_bytes(), to.as_bytes());
            assert_eq!(from.len(), to.len());
            let at = good.windows(from.len()).position(|w| w == from).expect("is in the file");
            let mut bytes = good.clone();
            bytes[at..at + to.len()].copy_from_slice(to);
            bytes
        };
        assert_eq!(put(&swapped("\\\"version\\\":1", "\\\"version\\\":2")), "ml.model_newer");
        assert_eq!(put(&swapped("\\\"seed\\\":1", "\\\"seed\\\":2")), "ml.model_damaged");
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert_eq!(code(&path), "base.is_a_directory");
        assert_eq!(save(model.as_ref(), &path).unwrap_err().0.code, "base.is_a_directory");
        let nowhere = dir.path().join("no").join("m.whymodel");
        assert!(save(model.as_ref(), &nowhere).is_err());
    }

    #[test]
    fn trees_that_would_not_end_are_refused() {
        let model = trained(ModelKind::Gbdt);
        let tensors = model.tensors();
        assert!(super::super::ensemble::TreeEnsemble::from_tensors(&tensors).is_ok());
        let broken = |name: &str, at: usize, value: i64| {
            let mut t = tensors.clone();
            let found = t.iter_mut().find(|t| t.name == name).unwrap();
            let TensorData::I64(v) = &mut found.data else { panic!() };
            v[at] = value;
            super::super::ensemble::TreeEnsemble::from_tensors(&t).is_err()
        };
        assert!(broken("trees.nodes", 2, 0), "a child before its parent");
        assert!(broken("trees.nodes", 3, 1_000_000), "a child beyond the tree");
        assert!(broken("trees.nodes", 1, 99), "an unknown feature");
        assert!(broken("trees.trees", 0, 3), "a wrong size");
        assert!(broken("trees.trees", 1, 7), "an unknown output");
    }
}
