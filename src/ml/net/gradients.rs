//! What explanation asks of a network: tokens, gradients at the tokens, attention with its gradient. The network is
//! frozen: no dropout, no gradients at the weights.

use super::NetModel;
use super::params::EMBED;
use super::pass::Want;
use crate::base::{JobCtx, Result};
use crate::data::FeatureMatrix;
use crate::ml::model::{Attention, Embedded, Network, Scale};
use crate::ml::train::check_width;

/// Rows per pass: small, so that one row's path of nodes already keeps every core busy.
const PIECE: usize = 32;
/// Name of the class token on attention axes.
const CLASS_TOKEN: &str = "[class]";

impl Network for NetModel {
    fn embed(&self, x: &FeatureMatrix) -> Result<Embedded> {
        check_width(&self.card, x)?;
        let (net, s) = (&self.net, &self.net.shape);
        let width = s.features * s.width;
        let rows: Vec<usize> = (0..x.n_rows()).collect();
        let mut values = vec![0.0; rows.len() * width];
        net.inputs.active(x, &rows, || false).embed(net.params.get(EMBED), s.width, s.features, width, 0, &mut values);
        Ok(Embedded { values, width, parts: (0..s.features).map(|j| j * s.width..(j + 1) * s.width).collect() })
    }

    fn gradient(&self, embedded: &Embedded, outcome: usize, scale: Scale) -> Result<(Vec<f64>, Vec<f32>)> {
        let (net, s) = (&self.net, &self.net.shape);
        let width = embedded.width;
        if width != s.features * s.width || outcome >= s.outcomes || !embedded.values.len().is_multiple_of(width.max(1)) {
            return Err(crate::fault!("ml.net_wrong_input", model = &self.card.spec.name));
        }
        let probability = scale == Scale::Probability && self.card.outcomes[outcome].is_binary();
        let n = s.outcomes;
        let margins = |raw: &[f32]| -> Vec<f64> { raw.iter().enumerate().map(|(j, v)| net.margin(*v, j)).collect() };
        let shown = |raw: &[f32]| {
            let m = margins(raw);
            if probability { self.card.shown(&m, outcome) } else { m[outcome] }
        };
        let class = probability && self.card.outcomes[outcome].is_class();
        // How the value shown answers to each output: one among several classes answers to all of them.
        let slopes = |raw: &[f32]| -> Vec<f32> {
            let p = shown(raw);
            let m = margins(raw);
            (0..n)
                .map(|j| {
                    let same = f64::from(u8::from(j == outcome));
                    let slope = match (class, probability) {
                        (true, _) => p * (same - self.card.shown(&m, j)),
                        (false, true) => same * p * (1.0 - p),
                        (false, false) => same,
                    };
                    (net.targets[j].1 * slope) as f32
                })
                .collect()
        };
        let skip = s.input_floats() - width;
        let parts = net.pieces(embedded.values.len() / width.max(1), PIECE, &JobCtx::quiet(), |range| {
            let input = net.with_class(&embedded.values[range.start * width..range.end * width]);
            let want = Want { tokens: true, ..Want::default() };
            let pass = net.run(input, want, |raw| raw.chunks_exact(n).flat_map(slopes).collect())?;
            let outputs: Vec<f64> = pass.outputs.chunks_exact(n).map(shown).collect();
            let gradient: Vec<f32> = pass.tokens.chunks_exact(s.input_floats()).flat_map(|row| &row[skip..]).copied().collect();
            Ok((outputs, gradient))
        })?;
        let (mut outputs, mut gradient) = (Vec::new(), Vec::with_capacity(embedded.values.len()));
        for (o, g) in parts {
            outputs.extend(o);
            gradient.extend(g);
        }
        Ok((outputs, gradient))
    }

    fn tokens(&self) -> Vec<String> {
        if !self.net.shape.transformer {
            return Vec::new();
        }
        std::iter::once(CLASS_TOKEN.to_owned()).chain(self.card.features().iter().map(|f| f.name.clone())).collect()
    }

    fn attention(&self, x: &FeatureMatrix, outcome: usize, gradients: bool) -> Result<Option<Vec<Attention>>> {
        let (net, s) = (&self.net, &self.net.shape);
        if !s.transformer {
            return Ok(None);
        }
        if outcome >= s.outcomes {
            return Err(crate::fault!("ml.net_wrong_input", model = &self.card.spec.name));
        }
        check_width(&self.card, x)?;
        let (n, t) = (s.outcomes, s.tokens());
        let per_layer = s.heads * t * t;
        let rows: Vec<usize> = (0..x.n_rows()).collect();
        let parts = net.pieces(rows.len(), PIECE, &JobCtx::quiet(), |range| {
            let rows = &rows[range];
            let input = net.input(&net.inputs.active(x, rows, || false), rows.len());
            let want = Want { attention: true, attention_gradient: gradients, ..Want::default() };
            let sd = net.targets[outcome].1 as f32;
            let pass = net.run(input, want, |raw| (0..raw.len()).map(|i| if i % n == outcome { sd } else { 0.0 }).collect())?;
            let of_row =
                |layers: &[Vec<f32>], i: usize| layers.iter().flat_map(|l| &l[i * per_layer..(i + 1) * per_layer]).copied().collect();
            Ok((0..rows.len())
                .map(|i| Attention {
                    layers: s.layers,
                    heads: s.heads,
                    tokens: t,
                    weights: of_row(&pass.attention, i),
                    gradients: of_row(&pass.attention_gradient, i),
                })
                .collect::<Vec<_>>())
        })?;
        Ok(Some(parts.into_iter().flatten().collect()))
    }

    fn silenced(&self, x: &FeatureMatrix, outcome: usize, scale: Scale, heads: &[(usize, usize)]) -> Result<Vec<f64>> {
        let (net, s) = (&self.net, &self.net.shape);
        if !s.transformer {
            return Ok(Vec::new());
        }
        if outcome >= s.outcomes || heads.iter().any(|(l, h)| *l >= s.layers || *h >= s.heads) {
            return Err(crate::fault!("ml.net_wrong_input", model = &self.card.spec.name));
        }
        check_width(&self.card, x)?;
        let probability = scale == Scale::Probability && self.card.outcomes[outcome].is_binary();
        let rows: Vec<usize> = (0..x.n_rows()).collect();
        let parts = net.pieces(rows.len(), PIECE, &JobCtx::quiet(), |range| {
            let rows = &rows[range];
            let input = net.input(&net.inputs.active(x, rows, || false), rows.len());
            Ok(net.run(input, Want { silent: heads, ..Want::default() }, |_| Vec::new())?.outputs)
        })?;
        // A class's probability hangs on the scores of all of them.
        let shown = |raw: &[f32]| {
            let m: Vec<f64> = raw.iter().enumerate().map(|(j, v)| net.margin(*v, j)).collect();
            if probability { self.card.shown(&m, outcome) } else { m[outcome] }
        };
        Ok(parts.concat().chunks_exact(s.outcomes).map(shown).collect())
    }

    fn reference(&self) -> Vec<f32> {
        self.net.reference.clone()
    }
}
