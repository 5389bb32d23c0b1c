//! Training a small Transformer on the CPU: samples per second beside Keras on the same model, batch and threads.
//!
//! `cargo bench --profile dev --bench transformer_vs_keras` (`WHYBENCH_PYTHON` names a Python 3.12 if it is not on the path)
//!
//! Two layers, 64 numbers per token, 4 heads, 256 hidden, batches of 256 rows of 24 tokens, AdamW, f32, no dropout. Both
//! sides get finished tokens' worth of input per step and do forward, backward and update; the best of five runs counts.

mod peer;

use whybench::ml::DeviceChoice;
use whybench::ml::net::{SpeedModel, training_speed};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const RUNS: usize = 5;
const STEPS: usize = 20;
const PEER: &str = r"
import os, sys, time
os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'
import numpy as np, tensorflow as tf, keras
from keras import layers
threads, steps, runs = map(int, sys.argv[1:4])
tf.config.threading.set_intra_op_parallelism_threads(threads)
tf.config.threading.set_inter_op_parallelism_threads(1)
batch, t, d, heads, hidden = 256, 24, 64, 4, 256
keras.utils.set_random_seed(1)
x = inp = keras.Input((t, d))
for _ in range(2):
    n = layers.LayerNormalization(epsilon=1e-5)(x)
    x = x + layers.MultiHeadAttention(heads, d // heads)(n, n)
    n = layers.LayerNormalization(epsilon=1e-5)(x)
    x = x + layers.Dense(d)(layers.Dense(hidden, activation='relu')(n))
out = layers.Dense(1)(layers.LayerNormalization(epsilon=1e-5)(x[:, 0]))
best = {}
rng = np.random.default_rng(1)
data = rng.standard_normal((batch * steps, t, d)).astype('float32')
y = (data[:, 1, :1] > 0).astype('float32')
for jit in (False, True):
    model = keras.Model(inp, out)
    model.compile(keras.optimizers.AdamW(1e-3), keras.losses.BinaryCrossentropy(from_logits=True), jit_compile=jit)
    rows = tf.data.Dataset.from_tensor_slices((data, y)).batch(batch)
    model.fit(rows, epochs=1, verbose=0)
    best[jit] = 0.0
    for _ in range(runs):
        start = time.perf_counter()
        model.fit(rows, epochs=1, verbose=0)
        best[jit] = max(best[jit], batch * steps / (time.perf_counter() - start))
print(best[False], best[True], keras.__version__, tf.__version__)
";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let threads = std::thread::available_parallelism()?.get();
    let model = SpeedModel { tokens: 24, width: 64, layers: 2, heads: 4, hidden: 256, batch: 256, replicas: 4, every_query: true };
    let best = |model: &SpeedModel| {
        (0..RUNS).map(|_| training_speed(model, &DeviceChoice::Cpu, STEPS)).try_fold(0.0, |a, b| b.map(|b| f64::max(a, b)))
    };
    for replicas in [1, 2, 4, 8] {
        println!("whybench, batch in {replicas} parts: {:.0} samples/s", best(&SpeedModel { replicas, ..model })?);
    }
    let ours = best(&model)?;
    let product = best(&SpeedModel { every_query: false, ..model })?;
    println!(
        "whybench on {threads} threads: {ours:.0} samples/s doing all the work, {product:.0} as the product trains (last layer: class token only)"
    );
    match peer::python(&["tensorflow-cpu"]) {
        Ok(python) => {
            let text = peer::script(&python, PEER, &[&threads.to_string(), &STEPS.to_string(), &RUNS.to_string()])?;
            let words: Vec<&str> = text.lines().last().unwrap_or_default().split_whitespace().collect();
            let [plain, jit, keras, tensorflow] = words[..] else { return Err(text.into()) };
            let (plain, jit): (f64, f64) = (plain.parse()?, jit.parse()?);
            println!("Keras {keras} (TensorFlow {tensorflow}): {plain:.0} samples/s as graph, {jit:.0} compiled by XLA");
            let peer = plain.max(jit);
            println!("ratio whybench / Keras: {:.2} doing all the work, {:.2} as the product trains", ours / peer, product / peer);
        }
        Err(reason) => println!("no peer: {reason}"),
    }
    Ok(())
}
