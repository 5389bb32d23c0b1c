//! Damaged model files of every kind: whatever comes of one, it is a model that predicts or a refusal in one sentence, in
//! little memory and time. `WHYBENCH_FUZZ_SECONDS` makes it go on for longer, `WHYBENCH_FUZZ_ONLY` takes one kind.
//!
//! Our own files carry a checksum, so half of the tries change what is inside and seal it again: that is what somebody who
//! means harm would do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::super::*;
use crate::base::{JobCtx, rng};
use crate::data::FeatureMatrix;
use crate::ml::file::{self, NamedTensor, TensorData};

const NUMBERS: [&str; 13] =
    ["-1", "0", "99999999999", "1e308", "-1e308", "NaN", "4294967295", "0.5", "[", "]", "{", "\"", "18446744073709551615"];

fn damage(bytes: &mut Vec<u8>, rng: &mut rng::Rng) {
    for _ in 0..1 + rng::below(rng, 4) {
        let at = rng::below(rng, bytes.len());
        match rng::below(rng, 6) {
            0 => bytes[at] ^= 1 << rng::below(rng, 8),
            1 => drop(bytes.remove(at)),
            2 => bytes.insert(at, rng::below(rng, 256) as u8),
            3 => {
                let end = (at + rng::below(rng, 200)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            4 => {
                let end = (at + rng::below(rng, 200)).min(bytes.len());
                drop(bytes.drain(at..end));
            }
            // A number becomes another one.
            _ => {
                let from = (at..bytes.len()).find(|i| bytes[*i].is_ascii_digit()).unwrap_or(at);
                let to = (from..bytes.len()).find(|i| !bytes[*i].is_ascii_digit() && !b".eE+-".contains(&bytes[*i])).unwrap_or(from);
                let new = NUMBERS[rng::below(rng, NUMBERS.len())].as_bytes().to_vec();
                bytes.splice(from..to, new);
            }
        }
        if bytes.is_empty() {
            bytes.push(b'{');
        }
    }
}

/// Another tensor than the model's own: a number, the shape, or the name.
fn damage_tensors(tensors: &mut Vec<NamedTensor>, rng: &mut rng::Rng) {
    if tensors.is_empty() {
        return;
    }
    let at = rng::below(rng, tensors.len());
    let odd = [f64::NAN, f64::INFINITY, -1.0, 0.0, 1e308, 4e9, -4e9, 0.5];
    let t = &mut tensors[at];
    match rng::below(rng, 6) {
        0 => drop(tensors.remove(at)),
        1 => t.name.push('x'),
        2 => {
            let cut = |n: usize| n.saturating_sub(1);
            match &mut t.data {
                TensorData::F32(v) => v.truncate(cut(v.len())),
                TensorData::F64(v) => v.truncate(cut(v.len())),
                TensorData::I64(v) => v.truncate(cut(v.len())),
            }
            let len = match &t.data {
                TensorData::F32(v) => v.len(),
                TensorData::F64(v) => v.len(),
                TensorData::I64(v) => v.len(),
            };
            t.shape = vec![len];
        }
        3 => t.shape.insert(0, 1),
        _ => {
            let x = odd[rng::below(rng, odd.len())];
            match &mut t.data {
                TensorData::F32(v) if !v.is_empty() => {
                    let i = rng::below(rng, v.len());
                    v[i] = x as f32;
                }
                TensorData::F64(v) if !v.is_empty() => {
                    let i = rng::below(rng, v.len());
                    v[i] = x;
                }
                TensorData::I64(v) if !v.is_empty() => {
                    let i = rng::below(rng, v.len());
                    v[i] = [i64::MIN, -1, 0, 1, 7, 1 << 40, i64::MAX][rng::below(rng, 7)];
                }
                _ => {}
            }
        }
    }
}

/// Our own file with something changed.
fn forged(whole: &[u8], path: &Path, rng: &mut rng::Rng) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    if rng::below(rng, 4) == 0 {
        damage(&mut bytes, rng);
        return bytes;
    }
    let (text, mut tensors) = file::unsealed(whole, path).unwrap();
    let mut text = text.into_bytes();
    if rng::below(rng, 2) == 0 {
        damage(&mut text, rng);
    } else {
        damage_tensors(&mut tensors, rng);
    }
    file::sealed(&String::from_utf8_lossy(&text), &tensors).unwrap_or(bytes)
}

fn ending(path: &Path) -> String {
    path.extension().map(|e| e.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Every kind of model as our own file: trained here, or read from another program's.
fn ours(dir: &Path) -> Vec<(String, Vec<u8>)> {
    use crate::ml::train::{sample, train};
    let path = dir.join("ours.whymodel");
    let mut all = Vec::new();
    let mut keep = |model: &dyn Model| {
        file::save(model, &path).unwrap();
        all.push(("whymodel".to_owned(), std::fs::read(&path).unwrap()));
    };
    for kind in ModelKind::ALL {
        let mut spec = ModelSpec::new("m", kind);
        if kind != ModelKind::Logistic {
            spec.epochs = Some(if kind == ModelKind::Gbdt { 8 } else { 1 });
        }
        spec.device = crate::ml::DeviceChoice::Cpu;
        keep(&*train(&spec, &sample::data(200, 30), &JobCtx::quiet()).unwrap());
    }
    for name in ["mlp3.onnx", "boosted3.onnx", "xgb_binary.json", "lgb_classes.txt", "net_classes.safetensors"] {
        keep(&*import(&super::folder().join(name), None).unwrap());
    }
    all
}

#[test]
fn damaged_files_do_no_harm() {
    let folder = super::folder();
    let dir = tempfile::tempdir().unwrap();
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|f| f.unwrap().path()).collect();
    paths.sort();
    let chosen = |p: &PathBuf| {
        let name = p.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let known = ["json", "ubj", "txt", "onnx", "safetensors", "toml"].contains(&ending(p).as_str());
        known && !name.starts_with("expected")
    };
    let mut files: Vec<(String, Vec<u8>)> =
        paths.into_iter().filter(chosen).map(|p| (ending(&p), std::fs::read(p).unwrap())).chain(ours(dir.path())).collect();
    let of = |kind: &str| files.iter().filter(|f| f.0 == kind).count();
    assert!(of("json") >= 8 && of("txt") >= 8 && of("ubj") >= 2 && of("onnx") >= 10, "{}", files.len());
    assert!(of("safetensors") == 2 && of("toml") == 1 && of("whymodel") >= 9, "{}", files.len());
    if let Ok(only) = std::env::var("WHYBENCH_FUZZ_ONLY") {
        files.retain(|f| f.0 == only);
    }
    let weights = std::fs::read(folder.join("net_classes.safetensors")).unwrap();
    let recipe = std::fs::read(folder.join("net_classes.toml")).unwrap();
    let seconds: u64 = std::env::var("WHYBENCH_FUZZ_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(0);
    let begun = std::time::Instant::now();
    let mut kinds: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    let mut rng = rng::rng(seconds, "fuzz");
    let (mut tries, mut read, mut slowest) = (0u64, 0u64, 0.0f64);
    while tries < 1_500 || begun.elapsed().as_secs() < seconds {
        let (kind, whole) = &files[rng::below(&mut rng, files.len())];
        let path = dir.path().join(format!("m.{}", if kind == "toml" { "safetensors" } else { kind }));
        let mut bytes = whole.clone();
        if kind == "whymodel" {
            bytes = forged(whole, &path, &mut rng);
        } else {
            damage(&mut bytes, &mut rng);
        }
        let (main, beside) = if kind == "toml" { (&weights, &bytes) } else { (&bytes, &recipe) };
        std::fs::write(&path, main).unwrap();
        std::fs::write(dir.path().join("m.toml"), beside).unwrap();
        // A Transformer's recipe stands in its file.
        if kind == "safetensors" && rng::below(&mut rng, 2) == 0 {
            std::fs::remove_file(dir.path().join("m.toml")).unwrap();
        }
        tries += 1;
        let count = kinds.entry(kind.clone()).or_default();
        count.0 += 1;
        // What a try that went wrong was made of can be looked at.
        if let Ok(keep) = std::env::var("WHYBENCH_FUZZ_KEEP") {
            std::fs::copy(&path, Path::new(&keep).join(format!("last.{}", ending(&path)))).unwrap();
        }
        let one = std::time::Instant::now();
        let opened = open(&path);
        slowest = slowest.max(one.elapsed().as_secs_f64());
        let Ok(model) = opened else { continue };
        read += 1;
        count.1 += 1;
        let m = model.card().features().len();
        if m <= 1_000 {
            let x = FeatureMatrix { n_features: m, values: vec![1.5; m] };
            // What a damaged graph answers is one number an outcome, or a sentence.
            if let Ok(p) = model.predict(&x, &JobCtx::quiet()) {
                assert_eq!(p.len(), model.card().outcomes.len());
            }
            // Trees whose covers or leaves make no sense are explained or refused, too.
            if m <= 40 && read % 8 == 0 {
                let options = crate::explain::ExplainOptions::default();
                drop(crate::explain::explain(&*model, &x, &[0], &Default::default(), &options, &JobCtx::quiet()));
            }
        }
    }
    // Some changes do not matter, most do.
    assert!(read > 0 && read < tries, "{read} of {tries}");
    if seconds > 0 {
        println!("{tries} files in {seconds} s, {read} of them read, the slowest {slowest:.2} s; tried and read by kind: {kinds:?}");
    }
}
