//! What of an ONNX file is asked: the inputs that are columns, the one output that is a prediction, and nothing that neither
//! needs. Three operators of data preparation that the engine lacks are written out as plain arithmetic; what is not known
//! to be harmless is refused by its name.

use std::collections::{BTreeMap, BTreeSet};

use tract_onnx::pb::{self, AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto};

/// Element types, as ONNX numbers them.
pub const FLOAT: i32 = 1;
const INT32: i32 = 6;
pub const INT64: i32 = 7;
const STRING: i32 = 8;
const BOOL: i32 = 9;
pub const DOUBLE: i32 = 11;

/// Most columns, outputs, and numbers of one stored tensor.
const MOST_COLUMNS: i64 = 10_000;
const MOST_NUMBERS: i64 = 1 << 28;

/// Operators that compute rows from rows, without loops and without shapes of their own making.
#[rustfmt::skip]
const KNOWN: &[&str] = &[
    "Abs", "Add", "And", "BatchNormalization", "Cast", "Ceil", "Celu", "Clip", "Concat", "Constant", "Div", "Dropout", "Elu", "Equal",
    "Erf", "Exp", "Flatten", "Floor", "Gather", "Gelu", "Gemm", "Greater", "GreaterOrEqual", "HardSigmoid", "HardSwish", "Identity",
    "IsNaN", "LayerNormalization", "LeakyRelu", "Less", "LessOrEqual", "LinearClassifier", "LinearRegressor", "Log", "LogSoftmax",
    "MatMul", "Max", "Mean", "Min", "Mul", "Neg", "Normalizer", "Not", "Or", "PRelu", "Pow", "ReduceMax", "ReduceMean", "ReduceMin",
    "ReduceSum", "Relu", "Reshape", "Selu", "Sigmoid", "Slice", "Softmax", "Softplus", "Softsign", "Sqrt", "Squeeze", "Sub", "Sum",
    "Tanh", "Transpose", "TreeEnsembleClassifier", "Unsqueeze", "Where",
];

/// One input of the graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Its columns; most files have one input with all of them.
    pub columns: usize,
    /// Whether rows are numbers without a second axis.
    pub flat: bool,
    /// Its element type.
    pub kind: i32,
    /// Levels, where it is a text that the graph knows by its values.
    pub levels: Option<Vec<String>>,
}

/// A graph that can be run.
pub struct Asked {
    /// The file, with nothing but what the output needs.
    pub proto: ModelProto,
    /// The columns.
    pub inputs: Vec<Input>,
    /// Rows that go in at once, where the file fixes it.
    pub batch: Option<usize>,
    /// Names of the classes, where the file has them.
    pub labels: Vec<String>,
    /// Whether a single output is a probability.
    pub probability: bool,
}

pub fn attribute<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    node.attribute.iter().find(|a| a.name == name)
}

fn texts(a: &AttributeProto) -> Vec<String> {
    a.strings.iter().map(|s| String::from_utf8_lossy(s).into_owned()).collect()
}

/// Names of classes that a node carries.
pub fn labels_of(node: &NodeProto) -> Vec<String> {
    let mut out = Vec::new();
    for a in &node.attribute {
        match a.name.as_str() {
            "classlabels_strings" if out.is_empty() => out = texts(a),
            "classlabels_int64s" | "classlabels_ints" if out.is_empty() => out = a.ints.iter().map(i64::to_string).collect(),
            _ => {}
        }
    }
    out
}

pub fn kind_of(info: &ValueInfoProto) -> Option<(i32, &[pb::tensor_shape_proto::Dimension])> {
    match info.r#type.as_ref()?.value.as_ref()? {
        pb::type_proto::Value::TensorType(t) => Some((t.elem_type, t.shape.as_ref().map_or(&[][..], |s| &s.dim))),
    }
}

pub fn size_of(d: &pb::tensor_shape_proto::Dimension) -> Option<i64> {
    match d.value {
        Some(pb::tensor_shape_proto::dimension::Value::DimValue(v)) => Some(v),
        _ => None,
    }
}

/// A stored tensor that holds what its shape says, and no more than a model needs.
fn sound(t: &TensorProto) -> bool {
    let mut n: i64 = 1;
    for d in &t.dims {
        match n.checked_mul(*d) {
            Some(m) if *d >= 0 && m <= MOST_NUMBERS => n = m,
            _ => return false,
        }
    }
    let width = match t.data_type {
        FLOAT | INT32 => 4,
        INT64 | DOUBLE => 8,
        BOOL | 2 | 3 => 1,
        STRING => 0,
        _ => return false,
    };
    let n = n as usize;
    let inside = if !t.raw_data.is_empty() {
        width > 0 && t.raw_data.len() == n * width
    } else {
        [t.float_data.len(), t.int32_data.len(), t.int64_data.len(), t.double_data.len(), t.string_data.len()].contains(&n)
    };
    inside && t.external_data.is_empty() && t.data_location.unwrap_or(0) == 0
}

fn floats(name: &str, dims: &[i64], values: Vec<f32>) -> TensorProto {
    TensorProto { name: name.to_owned(), dims: dims.to_vec(), data_type: FLOAT, float_data: values, ..TensorProto::default() }
}

fn node(op: &str, input: &[&str], output: &str) -> NodeProto {
    NodeProto {
        op_type: op.to_owned(),
        name: format!("{output}.made"),
        input: input.iter().map(|s| (*s).to_owned()).collect(),
        output: vec![output.to_owned()],
        ..NodeProto::default()
    }
}

fn to_float(input: &str, output: &str) -> NodeProto {
    let to = AttributeProto {
        name: "to".to_owned(),
        r#type: pb::attribute_proto::AttributeType::Int as i32,
        i: i64::from(FLOAT),
        ..AttributeProto::default()
    };
    NodeProto { attribute: vec![to], ..node("Cast", &[input], output) }
}

/// The text columns behind what a node makes of text: they are put together, picked, and passed on, but not changed.
fn carried(n: &NodeProto, stored: &[TensorProto], texts_in: &BTreeMap<String, Vec<String>>) -> Option<Vec<String>> {
    let of = |i: usize| texts_in.get(n.input.get(i)?);
    match n.op_type.as_str() {
        "Identity" | "Reshape" => of(0).cloned(),
        "Concat" => n.input.iter().map(|x| texts_in.get(x)).collect::<Option<Vec<_>>>().map(|v| v.into_iter().flatten().cloned().collect()),
        "Gather" => {
            let at = stored.iter().find(|t| Some(&t.name) == n.input.get(1)).filter(|t| t.data_type == INT64)?;
            let raw = at.raw_data.as_chunks::<8>().0.iter().map(|b| i64::from_le_bytes(*b));
            let picked: Vec<i64> = at.int64_data.iter().copied().chain(raw).collect();
            picked.iter().map(|i| of(0)?.get(usize::try_from(*i).ok()?).cloned()).collect()
        }
        _ => None,
    }
}

/// Writes out what the engine lacks; the levels of a text column go to `levels`.
fn written_out(
    old: &NodeProto,
    made: &mut GraphProto,
    levels: &mut BTreeMap<String, Vec<String>>,
    texts_in: &BTreeMap<String, Vec<String>>,
) -> Option<()> {
    let (x, y) = (old.input.first()?.as_str(), old.output.first()?.as_str());
    let list = |name: &str| attribute(old, name).map(|a| a.floats.clone()).unwrap_or_default();
    let named = |what: &str| format!("{y}.{what}");
    match old.op_type.as_str() {
        "Scaler" => {
            let (offset, scale) = (list("offset"), list("scale"));
            made.node.push(to_float(x, &named("number")));
            made.node.push(node("Sub", &[&named("number"), &named("offset")], &named("moved")));
            made.node.push(node("Mul", &[&named("moved"), &named("scale")], y));
            made.initializer.push(floats(&named("offset"), &[offset.len() as i64], offset));
            made.initializer.push(floats(&named("scale"), &[scale.len() as i64], scale));
        }
        "Imputer" => {
            let fill = list("imputed_value_floats");
            // Only gaps; another value that stands for one would have to be told from a true one.
            if fill.is_empty() || !attribute(old, "replaced_value_float").is_some_and(|a| a.f.is_nan()) {
                return None;
            }
            made.node.push(to_float(x, &named("number")));
            made.node.push(node("IsNaN", &[&named("number")], &named("gap")));
            made.node.push(node("Where", &[&named("gap"), &named("fill"), &named("number")], y));
            made.initializer.push(floats(&named("fill"), &[1, fill.len() as i64], fill));
        }
        "OneHotEncoder" => {
            let cats: Vec<f32> = if let Some(words) = attribute(old, "cats_strings").map(texts).filter(|w| !w.is_empty()) {
                let [column] = texts_in.get(x)?.as_slice() else { return None };
                if levels.contains_key(column) {
                    return None;
                }
                let codes = (0..words.len()).map(|i| i as f32).collect();
                levels.insert(column.clone(), words);
                codes
            } else {
                attribute(old, "cats_int64s")?.ints.iter().map(|i| *i as f32).collect()
            };
            made.node.push(to_float(x, &named("number")));
            made.node.push(node("Reshape", &[&named("number"), &named("shape")], &named("deep")));
            made.node.push(node("Equal", &[&named("deep"), &named("cats")], &named("hit")));
            made.node.push(to_float(&named("hit"), y));
            // Every axis as it is, and one more.
            let shape =
                TensorProto { name: named("shape"), dims: vec![3], data_type: INT64, int64_data: vec![0, 0, 1], ..TensorProto::default() };
            made.initializer.push(shape);
            made.initializer.push(floats(&named("cats"), &[cats.len() as i64], cats));
        }
        _ => return None,
    }
    Some(())
}

/// Finds what is asked of a file; a word that says why not, otherwise.
pub fn asked(mut proto: ModelProto) -> Result<Asked, String> {
    let graph = proto.graph.take().ok_or("no graph")?;
    if !graph.sparse_initializer.is_empty() || !proto.functions.is_empty() {
        return Err("sparse tensors, functions".to_owned());
    }
    let mut labels = Vec::new();
    // A list of maps is the table that it was made of.
    let source = |name: &str| graph.node.iter().find(|n| n.output.iter().any(|o| o == name));
    let mut found: Vec<(String, bool)> = Vec::new();
    for out in &graph.output {
        match source(&out.name) {
            Some(zip) if zip.op_type == "ZipMap" => {
                labels = labels_of(zip);
                found.push((zip.input.first().cloned().unwrap_or_default(), true));
            }
            _ if kind_of(out).is_some_and(|(k, _)| k == FLOAT || k == DOUBLE) => {
                found.push((out.name.clone(), out.name.to_lowercase().contains("prob")));
            }
            _ => {}
        }
    }
    found.sort_by_key(|(_, probability)| !probability);
    let output = found.first().ok_or("no output of numbers")?.0.clone();
    // Backwards from the output: every node once.
    let mut needed = BTreeSet::from([output.clone()]);
    let mut nodes: Vec<&NodeProto> = Vec::new();
    let mut open = vec![output.clone()];
    let mut seen = BTreeSet::new();
    let makers: BTreeMap<&str, usize> =
        graph.node.iter().enumerate().flat_map(|(i, n)| n.output.iter().map(move |o| (o.as_str(), i))).collect();
    while let Some(name) = open.pop() {
        if let Some(&i) = makers.get(name.as_str())
            && seen.insert(i)
        {
            nodes.push(&graph.node[i]);
            for n in graph.node[i].input.iter().filter(|n| !n.is_empty()) {
                if needed.insert(n.clone()) {
                    open.push(n.clone());
                }
            }
        }
    }
    // In the file's order, which is one in which they can be run.
    let mut order: Vec<usize> = seen.into_iter().collect();
    order.sort_unstable();
    let mut made = GraphProto { name: graph.name.clone(), ..GraphProto::default() };
    made.initializer = graph.initializer.iter().filter(|t| needed.contains(&t.name)).cloned().collect();
    let stored: BTreeSet<&str> = graph.initializer.iter().map(|t| t.name.as_str()).collect();
    let columns: Vec<&ValueInfoProto> =
        graph.input.iter().filter(|i| needed.contains(&i.name) && !stored.contains(i.name.as_str())).collect();
    let texts: Vec<String> = columns.iter().filter(|i| kind_of(i).is_some_and(|(k, _)| k == STRING)).map(|i| i.name.clone()).collect();
    let mut texts_in: BTreeMap<String, Vec<String>> = texts.into_iter().map(|t| (t.clone(), vec![t])).collect();
    let mut levels = BTreeMap::new();
    for i in order {
        let n = &graph.node[i];
        let plain = n.domain.is_empty() || n.domain == "ai.onnx" || n.domain == "ai.onnx.ml";
        let inner = n.attribute.iter().any(|a| a.g.is_some() || !a.graphs.is_empty() || !a.tensors.is_empty() || a.sparse_tensor.is_some());
        let reads_text = n.input.iter().any(|x| texts_in.contains_key(x));
        let carried = if reads_text { carried(n, &graph.initializer, &texts_in) } else { None };
        let fits = !reads_text || carried.is_some();
        if let Some((list, out)) = carried.zip(n.output.first()) {
            texts_in.insert(out.clone(), list);
        }
        if labels.is_empty() {
            labels = labels_of(n);
        }
        if plain && !inner && fits && KNOWN.contains(&n.op_type.as_str()) {
            let trees = n.op_type.starts_with("TreeEnsemble");
            if !n.attribute.iter().filter_map(|a| a.t.as_ref()).all(sound) || trees && !super::trees::sound(n) {
                return Err(format!("{} ({})", n.op_type, n.name));
            }
            made.node.push(n.clone());
        } else if !plain || inner || written_out(n, &mut made, &mut levels, &texts_in).is_none() {
            return Err(n.op_type.clone());
        }
    }
    if !made.initializer.iter().all(sound) {
        return Err("a stored tensor that is not what its shape says".to_owned());
    }
    let mut inputs = Vec::new();
    let mut batch = None;
    for info in columns {
        let (kind, dims) = kind_of(info).ok_or_else(|| info.name.clone())?;
        let (flat, columns) = match dims {
            [_] => (true, 1),
            [_, c] => (false, size_of(c).filter(|c| (1..=MOST_COLUMNS).contains(c)).ok_or_else(|| format!("{}: columns", info.name))?),
            _ => return Err(format!("{}: {} axes", info.name, dims.len())),
        };
        if let Some(b) = size_of(&dims[0]).filter(|b| *b > 0) {
            if b > 4_096 || batch.is_some_and(|o| o != b as usize) {
                return Err(format!("{}: {b} rows", info.name));
            }
            batch = Some(b as usize);
        }
        let levels = levels.remove(&info.name);
        let known = matches!(kind, FLOAT | DOUBLE | INT64) || (kind == STRING && levels.is_some() && columns == 1);
        if !known {
            return Err(format!("{}: element type {kind}", info.name));
        }
        // A text goes in as the number of its level.
        let kind = if levels.is_some() { FLOAT } else { kind };
        inputs.push(Input { name: info.name.clone(), columns: columns as usize, flat, kind, levels });
        let mut info = info.clone();
        if let Some(pb::type_proto::Value::TensorType(t)) = info.r#type.as_mut().and_then(|t| t.value.as_mut()) {
            t.elem_type = kind;
        }
        made.input.push(info);
    }
    if inputs.is_empty() {
        return Err("no input".to_owned());
    }
    if inputs.iter().map(|i| i.columns).sum::<usize>() > MOST_COLUMNS as usize {
        return Err("columns".to_owned());
    }
    made.output = vec![ValueInfoProto { name: output.clone(), ..ValueInfoProto::default() }];
    let probability = ends_in_probability(&made, output);
    proto.graph = Some(made);
    Ok(Asked { proto, inputs, batch, labels, probability })
}

/// Whether the last thing that happens to the output is a logistic function.
fn ends_in_probability(graph: &GraphProto, mut name: String) -> bool {
    for _ in 0..graph.node.len() {
        let Some(n) = graph.node.iter().find(|n| n.output.contains(&name)) else { return false };
        match n.op_type.as_str() {
            "Sigmoid" => return true,
            "Identity" | "Reshape" | "Squeeze" | "Unsqueeze" | "Flatten" | "Clip" | "Cast" => {
                name = n.input.first().cloned().unwrap_or_default();
            }
            _ => return attribute(n, "post_transform").is_some_and(|a| a.s == b"LOGISTIC"),
        }
    }
    false
}
