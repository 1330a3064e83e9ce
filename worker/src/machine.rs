//! What this machine is: cores, memory, BLAS, provenance.

use sweep_core::job::Provenance;
use sweep_core::train::blas;
use sweep_core::trial::REVISION;

/// Cores that this process may use: its affinity mask, less a container's CPU quota; at least 1.
pub fn cores() -> usize {
    let allowed = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    allowed.max(1)
}

/// Bytes of memory that this process may use, less a container's limit; `None` where the system does not tell.
pub fn memory_bytes() -> Option<u64> {
    let total = field("/proc/meminfo", "MemTotal:")?.split_whitespace().next()?.parse::<u64>().ok()? * 1024;
    let limit = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    Some(limit.map_or(total, |limit: u64| limit.min(total)))
}

/// Where the results of this process are made. `git_commit` is that of the binary.
pub fn provenance(git_commit: &str) -> Provenance {
    let read = |path: &str| std::fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default();
    Provenance {
        trainer_version: env!("CARGO_PKG_VERSION").to_owned(),
        revision: REVISION,
        git_commit: git_commit.to_owned(),
        host: read("/proc/sys/kernel/hostname"),
        cpu: field("/proc/cpuinfo", "model name")
            .map_or_else(|| std::env::consts::ARCH.to_owned(), |name| name.trim_start_matches(':').trim().to_owned()),
        blas_library: blas::library(),
        blas_kernel: blas::kernel(),
        blas_threads: blas::threads() as u32,
        // Of what is recorded, whatever the axis `dtype` says of the computation.
        dtype: "f64".to_owned(),
    }
}

/// The rest of the first line of `path` that starts with `key`.
fn field(path: &str, key: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    text.lines().find_map(|line| line.strip_prefix(key)).map(|rest| rest.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_has_cores_memory_and_a_blas() {
        assert!(cores() >= 1);
        assert!(memory_bytes().is_none_or(|bytes| bytes > 1 << 20));
        let provenance = provenance("abc");
        assert!(provenance.blas_library.contains("OpenBLAS"), "{provenance:?}");
        assert!(!provenance.blas_kernel.is_empty() && provenance.blas_threads >= 1);
    }
}
