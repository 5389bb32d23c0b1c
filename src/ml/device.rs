//! CPU and GPU by choice at run time: what this machine has, and which of it a choice means.
//!
//! The CPU is burn's `flex` backend, a GPU is its `wgpu` backend on one pinned adapter. Software rasterisers (llvmpipe,
//! lavapipe, WARP, SwiftShader) are listed, flagged, and used only when named. Burn keys GPU ordering to the OS thread, so
//! one thread must own all GPU work: callers run on the compute lane.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, OnceLock, PoisonError};

use burn::tensor::wgpu::{WgpuBackend, wgpu};
use burn::tensor::{Device, DeviceKind};

use super::spec::DeviceChoice;
use crate::base::Result;

/// One device that can train and predict.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceInfo {
    /// Its name, as its driver gives it; `CPU` for the processor.
    pub name: String,
    /// The interface it is reached by: `cpu`, `vulkan`, `metal`, `dx12`, `gl`.
    pub backend: String,
    /// Whether it only imitates a GPU on the processor.
    pub software: bool,
    /// The choice that selects it.
    pub choice: DeviceChoice,
    /// Its memory in bytes; for the processor the machine's. Graphics interfaces do not tell that of a GPU.
    pub memory: Option<u64>,
}

/// A listed GPU with what burn needs to open it.
#[derive(Clone, Debug)]
struct Adapter {
    info: DeviceInfo,
    kind: DeviceKind,
    api: WgpuBackend,
}

/// The name of the processor as a device.
pub const CPU: &str = "CPU";

/// Where a model computes.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The burn device, without gradients.
    pub device: Device,
    /// Whether it is the CPU: then work is split over one-thread lanes with the same bits on any machine.
    pub cpu: bool,
    /// As shown to people.
    pub name: String,
}

/// The devices of this machine, the CPU first. Asks the drivers once; takes a moment, so not for the window's thread.
pub fn list() -> Vec<DeviceInfo> {
    let memory = sysinfo::MemoryRefreshKind::nothing().with_ram();
    let machine = sysinfo::System::new_with_specifics(sysinfo::RefreshKind::nothing().with_memory(memory));
    let cpu = DeviceInfo {
        name: CPU.to_owned(),
        backend: "cpu".to_owned(),
        software: false,
        choice: DeviceChoice::Cpu,
        memory: Some(machine.total_memory()).filter(|m| *m > 0),
    };
    std::iter::once(cpu).chain(adapters().iter().map(|a| a.info.clone())).collect()
}

/// What a choice means on this machine, in words: `CPU` or the adapter's name and interface.
pub fn describe(choice: &DeviceChoice) -> Result<String> {
    Ok(match pick(choice, adapters())? {
        None => CPU.to_owned(),
        Some(adapter) => shown(&adapter.info),
    })
}

fn shown(info: &DeviceInfo) -> String {
    format!("{} ({})", info.name, info.backend)
}

/// The adapter a choice means; `None` is the CPU.
fn pick<'a>(choice: &DeviceChoice, adapters: &'a [Adapter]) -> Result<Option<&'a Adapter>> {
    let real = || adapters.iter().find(|a| !a.info.software);
    match choice {
        DeviceChoice::Cpu => Ok(None),
        DeviceChoice::Auto => Ok(real()),
        DeviceChoice::Gpu => real().map(Some).ok_or_else(|| crate::fault!("ml.no_gpu", found = found(adapters))),
        DeviceChoice::Named(name) => {
            let wanted = name.to_lowercase();
            let aliases: &[&str] =
                if matches!(wanted.as_str(), "lavapipe" | "software") { &["llvmpipe", "warp", "swiftshader"] } else { &[] };
            let fits = |a: &&Adapter| {
                let has = a.info.name.to_lowercase();
                has.contains(&wanted) || aliases.iter().any(|alias| has.contains(alias))
            };
            // A real GPU wins over an imitation whose name contains the same letters.
            adapters
                .iter()
                .filter(fits)
                .min_by_key(|a| a.info.software)
                .map(Some)
                .ok_or_else(|| crate::fault!("ml.no_such_device", device = name, found = found(adapters)))
        }
    }
}

fn found(adapters: &[Adapter]) -> String {
    let names: Vec<&str> = std::iter::once(CPU).chain(adapters.iter().map(|a| a.info.name.as_str())).collect();
    names.join(", ")
}

/// Opens the device that a choice means.
pub(crate) fn open(choice: &DeviceChoice) -> Result<Place> {
    // The CPU needs no driver to be asked.
    let adapters = if *choice == DeviceChoice::Cpu { &[] } else { adapters() };
    match pick(choice, adapters)? {
        None => Ok(Place { device: Device::flex(), cpu: true, name: CPU.to_owned() }),
        Some(adapter) => Ok(Place { device: open_gpu(adapter)?, cpu: false, name: shown(&adapter.info) }),
    }
}

/// Opens an adapter once; burn refuses a second initialisation.
fn open_gpu(adapter: &Adapter) -> Result<Device> {
    static OPEN: Mutex<BTreeMap<String, Device>> = Mutex::new(BTreeMap::new());
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    let key = shown(&adapter.info);
    if let Some(device) = open.get(&key) {
        return Ok(device.clone());
    }
    let device = guard(&key, || {
        Device::wgpu_options()
            .device_kind(adapter.kind.clone())
            .graphics_api(adapter.api)
            .init()
            .map_err(|e| crate::fault!("ml.device_failed", device = &key, reason = e.to_string()))
    })?;
    open.insert(key, device.clone());
    Ok(device)
}

/// The graphics adapter that a choice means, to be opened beside burn for kernels of our own; `None` is the CPU.
pub(super) fn adapter(choice: &DeviceChoice) -> Result<Option<(wgpu::Adapter, String)>> {
    let known = if *choice == DeviceChoice::Cpu { &[] } else { adapters() };
    let Some(picked) = pick(choice, known)? else { return Ok(None) };
    let name = shown(&picked.info);
    let backend = match picked.info.backend.as_str() {
        "metal" => wgpu::Backend::Metal,
        "dx12" => wgpu::Backend::Dx12,
        "gl" => wgpu::Backend::Gl,
        _ => wgpu::Backend::Vulkan,
    };
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = backend.into();
    let instance = wgpu::Instance::new(descriptor);
    let all = now(instance.enumerate_adapters(backend.into())).unwrap_or_default();
    let found = all.into_iter().find(|a| a.get_info().name.trim() == picked.info.name);
    found.map(|a| Some((a, name.clone()))).ok_or_else(|| crate::fault!("ml.device_failed", device = &name, reason = "it is gone"))
}

/// Runs backend code; a panic inside it (a lost device, a kernel that does not fit) becomes a fault that names the device.
pub(crate) fn guard<T>(device: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let reason = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()))
            .unwrap_or_else(|| "?".to_owned());
        let first: String = reason.lines().next().unwrap_or("?").chars().take(300).collect();
        Err(crate::fault!("ml.device_failed", device = device, reason = first))
    })
}

fn adapters() -> &'static [Adapter] {
    static FOUND: OnceLock<Vec<Adapter>> = OnceLock::new();
    FOUND.get_or_init(|| catch_unwind(probe).unwrap_or_default())
}

/// Asks every graphics interface for its adapters, the best interface first; each card is listed once.
fn probe() -> Vec<Adapter> {
    let apis = [
        (WgpuBackend::Metal, wgpu::Backend::Metal, "metal"),
        (WgpuBackend::Vulkan, wgpu::Backend::Vulkan, "vulkan"),
        (WgpuBackend::Dx12, wgpu::Backend::Dx12, "dx12"),
        (WgpuBackend::Gl, wgpu::Backend::Gl, "gl"),
    ];
    let mut listed: Vec<Adapter> = Vec::new();
    for (api, backend, backend_name) in apis {
        // OpenGL is asked last, only if nothing real was found, and not without a desktop session: its loader would
        // write complaints to the standard error stream.
        let enough = listed.iter().any(|a| !a.info.software) || (cfg!(unix) && std::env::var_os("XDG_RUNTIME_DIR").is_none());
        if !wgpu::Instance::enabled_backend_features().contains(backend.into()) || (enough && api == WgpuBackend::Gl) {
            continue;
        }
        let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
        descriptor.backends = backend.into();
        let instance = wgpu::Instance::new(descriptor);
        let (mut discrete, mut integrated, mut virtual_gpus, mut other) = (0, 0, 0, 0);
        for adapter in now(instance.enumerate_adapters(backend.into())).unwrap_or_default() {
            let info = adapter.get_info();
            let next = |counter: &mut usize| {
                *counter += 1;
                *counter - 1
            };
            let kind = match info.device_type {
                wgpu::DeviceType::DiscreteGpu => DeviceKind::DiscreteGpu(next(&mut discrete)),
                wgpu::DeviceType::IntegratedGpu => DeviceKind::IntegratedGpu(next(&mut integrated)),
                wgpu::DeviceType::VirtualGpu => DeviceKind::VirtualGpu(next(&mut virtual_gpus)),
                wgpu::DeviceType::Cpu => DeviceKind::Cpu,
                // Burn cannot name the nth adapter of unknown type: only the interface's default is reachable.
                wgpu::DeviceType::Other if next(&mut other) == 0 => DeviceKind::DefaultDevice,
                wgpu::DeviceType::Other => continue,
            };
            let name = info.name.trim().to_owned();
            let software = info.device_type == wgpu::DeviceType::Cpu || imitation(&name);
            let known = listed.iter().any(|a| {
                a.info.name.contains(&name) || name.contains(&a.info.name) || (kind == DeviceKind::Cpu && a.kind == DeviceKind::Cpu)
            });
            if !known && !name.is_empty() {
                let choice = DeviceChoice::Named(name.clone());
                listed.push(Adapter {
                    info: DeviceInfo { name, backend: backend_name.to_owned(), software, choice, memory: None },
                    kind,
                    api,
                });
            }
        }
    }
    listed.sort_by_key(|a| (a.info.software, !matches!(a.kind, DeviceKind::DiscreteGpu(_))));
    listed
}

fn imitation(name: &str) -> bool {
    let name = name.to_lowercase();
    ["llvmpipe", "lavapipe", "swiftshader", "warp", "basic render", "softpipe"].iter().any(|s| name.contains(s))
}

/// The value of a future that native wgpu answers at once.
pub(super) fn now<F: Future>(future: F) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    (0..1000).find_map(|_| match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(value) => Some(value),
        std::task::Poll::Pending => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapter(name: &str, software: bool) -> Adapter {
        let info =
            DeviceInfo { name: name.into(), backend: "vulkan".into(), software, choice: DeviceChoice::Named(name.into()), memory: None };
        Adapter { info, kind: DeviceKind::Cpu, api: WgpuBackend::Vulkan }
    }
    fn name(choice: &DeviceChoice, adapters: &[Adapter]) -> Result<String> {
        Ok(pick(choice, adapters)?.map_or(CPU.to_owned(), |a| a.info.name.clone()))
    }

    #[test]
    fn an_imitated_gpu_is_used_only_by_name() {
        let soft = [adapter("llvmpipe (LLVM 15)", true)];
        let both = [adapter("llvmpipe (LLVM 15)", true), adapter("GeForce", false)];
        let named = |n: &str| DeviceChoice::Named(n.to_owned());
        assert_eq!(name(&DeviceChoice::Auto, &soft).unwrap(), CPU);
        assert_eq!(name(&DeviceChoice::Gpu, &soft).unwrap_err().0.code, "ml.no_gpu");
        assert_eq!(name(&named("LLVMpipe"), &soft).unwrap(), "llvmpipe (LLVM 15)");
        assert_eq!(name(&named("lavapipe"), &soft).unwrap(), "llvmpipe (LLVM 15)");
        assert_eq!(name(&DeviceChoice::Auto, &both).unwrap(), "GeForce");
        assert_eq!(name(&DeviceChoice::Gpu, &both).unwrap(), "GeForce");
        assert_eq!(name(&named("e"), &both).unwrap(), "GeForce");
        assert_eq!(name(&DeviceChoice::Cpu, &both).unwrap(), CPU);
        assert_eq!(name(&named("radeon"), &both).unwrap_err().0.code, "ml.no_such_device");
        assert_eq!(name(&DeviceChoice::Auto, &[]).unwrap(), CPU);
    }

    #[test]
    fn a_panic_in_the_backend_is_a_fault() {
        let fault = guard::<()>("GPU X", || std::panic::panic_any("device lost".to_owned())).unwrap_err();
        assert_eq!(fault.0.code, "ml.device_failed");
        assert!(fault.to_string().contains("device lost"), "{fault}");
    }

    #[test]
    fn the_processor_is_always_there() {
        assert_eq!(list()[0].choice, DeviceChoice::Cpu);
        assert!(list()[0].memory.is_some_and(|m| m > 100 << 20), "a machine has memory");
        assert_eq!(describe(&DeviceChoice::Cpu).unwrap(), CPU);
    }
}
