//! Sums of tables on a GPU: for every row, conditions on codes choose one line of each small table, and the lines add up.
//!
//! Plain numbers go in and out; what they mean is the caller's. The device is opened beside burn's own, buffers are bounded
//! by what it says of itself, and whatever goes wrong (no memory, a lost device, a driver that panics) is a fault, so that
//! the caller can compute on the processor instead. Values are 64-bit fixed point: additions are exact, and the bits are
//! the same on every device.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use burn::tensor::wgpu::wgpu;
use wgpu::util::DeviceExt;

use super::device::{adapter, guard, now};
use super::spec::DeviceChoice;
use crate::base::{JobCtx, Result};
use crate::fault;

/// The code of a missing value.
pub const MISSING: u32 = u32::MAX;
/// Most conditions times rows in one dispatch: drivers give up on work that takes seconds.
const MOST_WORK: usize = 1 << 29;
/// Most rows worked on together.
const MOST_ROWS: usize = 1 << 17;
/// Most bytes of a buffer, whatever the device allows.
const MOST_BYTES: u64 = 512 << 20;
/// Rows of one workgroup, as in the kernel.
const GROUP: usize = 64;
/// Most workgroups of one dispatch.
const MOST_GROUPS: usize = 65_535;
/// Longest wait for one dispatch.
const PATIENCE: Duration = Duration::from_secs(120);

/// A comparison that clears one bit of a table's index where a row goes the other way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The column of codes.
    pub column: u32,
    /// What it is compared with.
    pub cut: Cut,
    /// Bit of the index.
    pub bit: u32,
    /// The side that keeps the bit: left or right.
    pub wants_left: bool,
    /// Where missing values go.
    pub missing_left: bool,
}

/// Which codes go left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Those up to a code.
    UpTo(u32),
    /// Those in a set: its first word among the sets, and its words (at least one).
    In(u32, u32),
}

/// A small table: its conditions, the sums it adds to, and its values line by line.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// What makes up the index.
    pub conditions: Vec<Condition>,
    /// Bits of the index.
    pub bits: u32,
    /// The sums that a line adds to.
    pub targets: Vec<u32>,
    /// One number per line and target, in fixed point.
    pub values: Vec<i64>,
}

/// Tables that are summed together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tables {
    /// Columns of codes.
    pub columns: usize,
    /// Sums per row.
    pub width: usize,
    /// The tables.
    pub tables: Vec<Table>,
    /// Words of all sets.
    pub sets: Vec<u32>,
}

/// An opened GPU.
pub struct Gpu {
    /// As shown to people.
    pub name: String,
    device: wgpu::Device,
    queue: wgpu::Queue,
    pipeline: wgpu::ComputePipeline,
    trouble: Arc<Mutex<Option<String>>>,
}

impl Gpu {
    /// Opens the GPU that a choice means, once; `None` where that is the processor.
    pub fn open(choice: &DeviceChoice) -> Result<Option<Arc<Self>>> {
        static OPEN: Mutex<BTreeMap<String, Arc<Gpu>>> = Mutex::new(BTreeMap::new());
        if *choice == DeviceChoice::Cpu {
            return Ok(None);
        }
        let Some((adapter, name)) = adapter(choice)? else { return Ok(None) };
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(gpu) = open.get(&name).filter(|g| g.said().is_none()) {
            return Ok(Some(gpu.clone()));
        }
        let gpu = Arc::new(guard(&name, || Self::on(&adapter, &name))?);
        open.insert(name, gpu.clone());
        Ok(Some(gpu))
    }

    fn on(adapter: &wgpu::Adapter, name: &str) -> Result<Self> {
        let failed = |reason: String| fault!("ml.device_failed", device = name, reason = reason);
        let limits = adapter.limits();
        let descriptor = wgpu::DeviceDescriptor { label: Some("whybench tables"), required_limits: limits, ..Default::default() };
        let opened = now(adapter.request_device(&descriptor)).ok_or_else(|| failed("it does not answer".to_owned()))?;
        let (device, queue) = opened.map_err(|e| failed(e.to_string()))?;
        let trouble: Arc<Mutex<Option<String>>> = Arc::default();
        let slot = trouble.clone();
        device.on_uncaptured_error(Arc::new(move |e: wgpu::Error| note_down(&slot, e.to_string())));
        let slot = trouble.clone();
        device.set_device_lost_callback(move |_, message| note_down(&slot, message));
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("table sum"),
            source: wgpu::ShaderSource::Wgsl(include_str!("table_sum.wgsl").into()),
        });
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some("table sum"),
            layout: None,
            module: &module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            cache: None,
        });
        let gpu = Self { name: name.to_owned(), device, queue, pipeline, trouble };
        gpu.fine()?;
        Ok(gpu)
    }

    fn said(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn fine(&self) -> Result<()> {
        self.said().map_or(Ok(()), |reason| Err(self.failed(&reason)))
    }

    fn failed(&self, reason: &str) -> crate::base::Fault {
        let words: Vec<&str> = reason.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
        let text: String = words.join(" ").chars().take(400).collect();
        fault!("ml.device_failed", device = &self.name, reason = text)
    }

    /// Bytes that a buffer may have.
    fn room(&self) -> u64 {
        let limits = self.device.limits();
        limits.max_buffer_size.min(limits.max_storage_buffer_binding_size).min(MOST_BYTES)
    }

    /// Numbers of values that fit on the device together.
    pub fn most_values(&self) -> usize {
        (self.room() / 8) as usize
    }

    /// Sums all tables for every row. `codes(rows, room, out)` writes the codes of some rows column by column, `room` places
    /// per column; `took(rows, room, sums)` gets their sums in the same layout.
    pub fn sum(
        &self,
        tables: &Tables,
        rows: usize,
        codes: &dyn Fn(Range<usize>, usize, &mut [u32]),
        took: &mut dyn FnMut(Range<usize>, usize, &[i64]),
        ctx: &JobCtx,
    ) -> Result<()> {
        if rows == 0 || tables.width == 0 || tables.tables.is_empty() {
            return Ok(());
        }
        guard(&self.name, || self.run(tables, rows, codes, took, ctx))
    }

    fn run(
        &self,
        tables: &Tables,
        rows: usize,
        codes: &dyn Fn(Range<usize>, usize, &mut [u32]),
        took: &mut dyn FnMut(Range<usize>, usize, &[i64]),
        ctx: &JobCtx,
    ) -> Result<()> {
        let flat = Flat::new(tables);
        let largest = [flat.conditions.len() * 4, flat.values.len() * 4, flat.targets.len() * 4].into_iter().max().unwrap_or(0);
        let per_row = (4 * tables.columns.max(1)).max(8 * tables.width) as u64;
        let fit = (self.room() / per_row) as usize;
        if largest as u64 > self.room() || fit < GROUP {
            return Err(self.failed("the tables do not fit into its memory"));
        }
        let work = flat.conditions.len() / 4 + flat.targets.len();
        let room = rows.next_multiple_of(GROUP).min(MOST_ROWS).min(fit / GROUP * GROUP);
        let at_once = (MOST_WORK / work.max(1)).clamp(1, room.div_ceil(GROUP) * GROUP).next_multiple_of(GROUP).min(MOST_GROUPS * GROUP);
        let fixed = [
            self.filled("conditions", &flat.conditions),
            self.filled("units", &flat.units),
            self.filled("places", &flat.places),
            self.filled("targets", &flat.targets),
            self.filled("sets", &flat.sets),
            self.filled("values", &flat.values),
        ];
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC;
        let code_buffer = self.empty("codes", (room * tables.columns.max(1) * 4) as u64, usage);
        let size = (room * tables.width * 8) as u64;
        let sums = self.empty("sums", size, usage);
        let back = self.empty("back", size, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST);
        let sizes = self.empty("sizes", 16, wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST);
        self.fine()?;
        let mut entries: Vec<wgpu::BindGroupEntry<'_>> = Vec::new();
        for (i, buffer) in fixed.iter().chain([&code_buffer, &sums, &sizes]).enumerate() {
            entries.push(wgpu::BindGroupEntry { binding: i as u32, resource: buffer.as_entire_binding() });
        }
        let layout = self.pipeline.get_bind_group_layout(0);
        let group = self.device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout: &layout, entries: &entries });
        let mut words = vec![0u32; room * tables.columns];
        for first in (0..rows).step_by(room) {
            ctx.check()?;
            let here = first..rows.min(first + room);
            let n = here.len();
            codes(here.clone(), room, &mut words);
            self.queue.write_buffer(&code_buffer, 0, &bytes(&words));
            let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            encoder.clear_buffer(&sums, 0, None);
            self.queue.submit([encoder.finish()]);
            for from in (0..n).step_by(at_once) {
                let count = at_once.min(n - from);
                self.queue.write_buffer(&sizes, 0, &bytes(&[n as u32, room as u32, tables.tables.len() as u32, from as u32]));
                let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
                {
                    let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
                    pass.set_pipeline(&self.pipeline);
                    pass.set_bind_group(0, &group, &[]);
                    pass.dispatch_workgroups(count.div_ceil(GROUP) as u32, 1, 1);
                }
                self.queue.submit([encoder.finish()]);
                self.wait()?;
                ctx.check()?;
            }
            let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            encoder.copy_buffer_to_buffer(&sums, 0, &back, 0, Some(size));
            self.queue.submit([encoder.finish()]);
            let slice = back.slice(..);
            let slot = self.trouble.clone();
            slice.map_async(wgpu::MapMode::Read, move |done| {
                if let Err(e) = done {
                    note_down(&slot, e.to_string());
                }
            });
            self.wait()?;
            let numbers: Vec<i64> = {
                let view = slice.get_mapped_range().map_err(|e| self.failed(&e.to_string()))?;
                let word = |b: &[u8]| i64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]);
                view.chunks_exact(8).map(word).collect()
            };
            back.unmap();
            took(here, room, &numbers);
        }
        self.fine()
    }

    fn wait(&self) -> Result<()> {
        let wait = wgpu::PollType::Wait { submission_index: None, timeout: Some(PATIENCE) };
        self.device.poll(wait).map_err(|e| self.failed(&e.to_string()))?;
        self.fine()
    }

    fn filled(&self, label: &str, words: &[u32]) -> wgpu::Buffer {
        // A binding may not be empty.
        let contents = if words.is_empty() { vec![0; 16] } else { bytes(words) };
        let usage = wgpu::BufferUsages::STORAGE;
        self.device.create_buffer_init(&wgpu::util::BufferInitDescriptor { label: Some(label), contents: &contents, usage })
    }

    fn empty(&self, label: &str, size: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
        self.device.create_buffer(&wgpu::BufferDescriptor { label: Some(label), size, usage, mapped_at_creation: false })
    }
}

fn note_down(slot: &Mutex<Option<String>>, reason: String) {
    slot.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(reason);
}

fn bytes(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|w| w.to_le_bytes()).collect()
}

/// The tables as the kernel reads them.
struct Flat {
    conditions: Vec<u32>,
    units: Vec<u32>,
    places: Vec<u32>,
    targets: Vec<u32>,
    sets: Vec<u32>,
    values: Vec<u32>,
}

impl Flat {
    fn new(tables: &Tables) -> Self {
        let numbers = tables.tables.iter().map(|t| t.values.len()).sum::<usize>();
        let mut out = Self {
            conditions: Vec::new(),
            units: Vec::new(),
            places: Vec::new(),
            targets: Vec::new(),
            sets: tables.sets.clone(),
            values: Vec::with_capacity(2 * numbers),
        };
        for table in &tables.tables {
            let (from, first) = (out.conditions.len() / 4, out.targets.len());
            for c in &table.conditions {
                let (cut, words) = match c.cut {
                    Cut::UpTo(code) => (code, 0),
                    Cut::In(first, words) => (first, words),
                };
                let flags = c.bit | u32::from(c.wants_left) << 8 | u32::from(c.missing_left) << 9;
                out.conditions.extend([c.column, cut, words, flags]);
            }
            out.targets.extend(&table.targets);
            out.units.extend([from, out.conditions.len() / 4, first, out.targets.len()].map(|n| n as u32));
            out.places.extend([(out.values.len() / 2) as u32, table.bits]);
            out.values.extend(table.values.iter().flat_map(|v| [*v as u32, (*v >> 32) as u32]));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::device;

    /// A GPU of this machine, be it one that is only imitated; says so where there is none.
    pub fn any() -> Option<Arc<Gpu>> {
        let Some(info) = device::list().into_iter().find(|d| d.choice != DeviceChoice::Cpu) else {
            eprintln!("skipped: no Vulkan, Metal, DirectX or OpenGL adapter on this machine");
            return None;
        };
        Gpu::open(&info.choice).unwrap()
    }

    #[test]
    fn tables_by_hand_and_large_numbers() {
        let Some(gpu) = any() else { return };
        let condition = |column, cut, bit, wants_left| Condition { column, cut, bit, wants_left, missing_left: true };
        let first = Table {
            conditions: vec![condition(0, Cut::UpTo(3), 0, true), condition(1, Cut::In(1, 1), 1, false)],
            bits: 2,
            targets: vec![2, 0],
            // Line 0: neither, 1: the cut, 2: outside the set, 3: both.
            values: vec![1, -1, 10, -10, 100, -100, i64::from(u32::MAX), i64::MIN / 2],
        };
        let second = Table { conditions: Vec::new(), bits: 0, targets: vec![0], values: vec![-1] };
        let tables = Tables { columns: 2, width: 3, tables: vec![first, second], sets: vec![0, 0b10] };
        // Column 0 and column 1 of six rows.
        let (a, b) = ([0, 3, 4, MISSING, 9, 2], [1, 1, 0, MISSING, 40, 77]);
        let mut got = vec![[0i64; 3]; 6];
        gpu.sum(
            &tables,
            6,
            &|rows, room, out| {
                for r in rows {
                    out[r] = a[r];
                    out[room + r] = b[r];
                }
            },
            &mut |rows, room, sums| rows.for_each(|r| got[r] = [sums[r], sums[room + r], sums[2 * room + r]]),
            &JobCtx::quiet(),
        )
        .unwrap();
        let line = |i: usize| {
            let v = &tables.tables[0].values[2 * i..];
            [v[1] - 1, 0, v[0]]
        };
        assert_eq!(got, [line(1), line(1), line(2), line(1), line(2), line(3)]);
    }

    #[test]
    fn what_does_not_fit_is_a_fault() {
        let Some(gpu) = any() else { return };
        let table = Table { conditions: Vec::new(), bits: 0, targets: vec![0], values: vec![1] };
        let tables = Tables { columns: 1, width: usize::MAX / 64, tables: vec![table], sets: Vec::new() };
        let fault = gpu.sum(&tables, 10, &|_, _, _| (), &mut |_, _, _| (), &JobCtx::quiet()).unwrap_err();
        assert_eq!(fault.0.code, "ml.device_failed");
        let panic = gpu.sum(
            &Tables { width: 1, ..tables },
            10,
            &|_, _, _| std::panic::panic_any("the driver is gone".to_owned()),
            &mut |_, _, _| (),
            &JobCtx::quiet(),
        );
        assert!(panic.is_err_and(|f| f.to_string().contains("the driver is gone")));
        let stopped = JobCtx::quiet();
        stopped.token().cancel();
        let tables = Tables {
            columns: 1,
            width: 1,
            tables: vec![Table { conditions: Vec::new(), bits: 0, targets: vec![0], values: vec![1] }],
            sets: Vec::new(),
        };
        assert!(gpu.sum(&tables, 10, &|_, _, _| (), &mut |_, _, _| (), &stopped).is_err_and(|f| f.is_cancelled()));
    }
}
