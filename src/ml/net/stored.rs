//! A network as named tensors and back, exactly: weights as they are, sizes, input transforms and targets as f64.

use super::inputs::{Input, Inputs};
use super::params::Params;
use super::shape::Shape;
use super::{Net, NetModel, first_params};
use crate::base::{Fault, Result};
use crate::data::FeatureKind;
use crate::ml::device;
use crate::ml::file::{NamedTensor, TensorData};
use crate::ml::model::ModelCard;
use crate::ml::spec::DeviceChoice;

const SIZES: &str = "net.sizes";
const TARGETS: &str = "net.targets";
const REFERENCE: &str = "net.reference";
const INPUT: &str = "net.input.";
const WEIGHT: &str = "net.weight.";
/// Number of the layout of these tensors.
const LAYOUT: f64 = 1.0;

/// Everything learned, named.
pub(super) fn tensors(net: &Net) -> Vec<NamedTensor> {
    let s = &net.shape;
    let f64s = |name: String, shape: Vec<usize>, data: Vec<f64>| NamedTensor { name, shape, data: TensorData::F64(data) };
    let f32s = |name: String, shape: Vec<usize>, data: Vec<f32>| NamedTensor { name, shape, data: TensorData::F32(data) };
    let mut sizes = vec![
        LAYOUT,
        f64::from(u8::from(s.transformer)),
        s.features as f64,
        s.width as f64,
        s.layers as f64,
        s.heads as f64,
        s.hidden as f64,
        s.outcomes as f64,
        s.temperature,
        net.replicas as f64,
    ];
    // Said only where it is otherwise than ever: programs that do not know of it refuse the file.
    if !s.residual {
        sizes.push(0.0);
    }
    let mut out = vec![
        f64s(SIZES.to_owned(), vec![sizes.len()], sizes),
        f64s(TARGETS.to_owned(), vec![net.targets.len(), 2], net.targets.iter().flat_map(|t| [t.0, t.1]).collect()),
        f32s(REFERENCE.to_owned(), vec![s.features, s.width], net.reference.clone()),
    ];
    for (j, input) in net.inputs.features.iter().enumerate() {
        let numbers = input.to_numbers();
        out.push(f64s(format!("{INPUT}{j:05}"), vec![numbers.len()], numbers));
    }
    for piece in &net.params.pieces {
        out.push(f32s(format!("{WEIGHT}{}", piece.name), piece.shape.clone(), net.params.values[piece.range()].to_vec()));
    }
    out
}

impl NetModel {
    /// A network from a file: on the device its recipe names, or on the CPU where this machine does not have that.
    pub fn restore(card: ModelCard, tensors: &[NamedTensor]) -> Result<Self> {
        let choice = if device::open(&card.spec.device).is_ok() { card.spec.device.clone() } else { DeviceChoice::Cpu };
        Self::from_tensors(card, tensors, &choice)
    }

    /// A network from its card and tensors, on the device of choice.
    pub fn from_tensors(card: ModelCard, tensors: &[NamedTensor], device: &DeviceChoice) -> Result<Self> {
        let place = device::open(device)?;
        let name = card.spec.name.clone();
        let bad = |part: &str| -> Fault { crate::fault!("ml.net_bad_file", model = &name, part = part) };
        let find = |wanted: &str| tensors.iter().find(|t| t.name == wanted).ok_or_else(|| bad(wanted));
        let f64s = |wanted: &str| match &find(wanted)?.data {
            TensorData::F64(v) => Ok(v.as_slice()),
            _ => Err(bad(wanted)),
        };
        let f32s = |wanted: &str| match &find(wanted)?.data {
            TensorData::F32(v) => Ok(v.as_slice()),
            _ => Err(bad(wanted)),
        };
        let [layout, transformer, features, width, layers, heads, hidden, outcomes, temperature, replicas, ref more @ ..] = *f64s(SIZES)?
        else {
            return Err(bad(SIZES));
        };
        let sizes = [features, width, layers, heads, hidden, outcomes, replicas];
        if layout != LAYOUT
            || !(more.is_empty() || more == [0.0])
            || sizes.iter().any(|s| !(1.0..=1e6).contains(s) || s.fract() != 0.0)
            || !temperature.is_finite()
        {
            return Err(bad(SIZES));
        }
        let [features, width, layers, heads, hidden, outcomes, replicas] = sizes.map(|s| s as usize);
        let shape = Shape {
            transformer: transformer == 1.0,
            features,
            width,
            layers,
            heads,
            hidden,
            outcomes,
            temperature,
            residual: more.is_empty(),
            every_query: false,
        };
        if card.features().len() != features || card.outcomes.len() != outcomes || !width.is_multiple_of(heads) || layers > 64 {
            return Err(bad(SIZES));
        }
        let targets: Vec<(f64, f64)> = f64s(TARGETS)?.chunks_exact(2).map(|c| (c[0], c[1])).collect();
        let reference = f32s(REFERENCE)?.to_vec();
        if targets.len() != outcomes || reference.len() != features * width {
            return Err(bad(TARGETS));
        }
        let mut inputs = Vec::with_capacity(features);
        for (j, feature) in card.features().iter().enumerate() {
            let wanted = format!("{INPUT}{j:05}");
            let input = Input::from_numbers(f64s(&wanted)?).ok_or_else(|| bad(&wanted))?;
            let fits = match (&input, &feature.kind) {
                (Input::Category { levels: n }, FeatureKind::Categorical { levels }) => *n == levels.len(),
                (Input::Number { .. }, FeatureKind::Numeric { .. }) => true,
                _ => false,
            };
            if !fits {
                return Err(bad(&wanted));
            }
            inputs.push(input);
        }
        let inputs = Inputs::new(inputs);
        // The pieces that a network of these sizes has, in their order; the file's numbers take their place.
        let mut params = Params::default();
        first_params(&mut params, &shape, &inputs, 0);
        for i in 0..params.pieces.len() {
            let piece = params.pieces[i].clone();
            let wanted = format!("{WEIGHT}{}", piece.name);
            let values = f32s(&wanted)?;
            if find(&wanted)?.shape != piece.shape || values.len() != piece.len() {
                return Err(bad(&wanted));
            }
            params.values[piece.range()].copy_from_slice(values);
        }
        Ok(Self { card, net: Net { shape, inputs, params, targets, reference, replicas, place } })
    }
}
