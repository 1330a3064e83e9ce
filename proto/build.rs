//! Makes Rust from `sweep/v1/*.proto` without protoc; the same descriptors feed the reflection service.

use prost::Message;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = ["recipe", "worker", "user", "results", "control", "access", "upkeep"]
        .map(|name| format!("sweep/v1/{name}.proto"));
    println!("cargo::rerun-if-changed=sweep/v1");
    let descriptors = protox::compile(files, ["."])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        .bytes(".sweep.v1.Chunk")
        .bytes(".sweep.v1.ExportResponse")
        .compile_fds(descriptors)?;
    Ok(())
}
