//! `sweep export`: results and matrices as files for other programs.

use crate::args::{Export, ExportFormat, MatrixFormat};
use crate::failure::{Failure, Result};
use crate::remote::{Access, Cell, Coordinator};
use crate::session;
use anyhow::Context;
use std::io::Write;
use std::path::{Path, PathBuf};
use sweep_coordinator::store::Stored;
use sweep_core::outcome::Matrix;
use sweep_proto::v1;

/// Exports a sweep's results or a cell's matrices.
///
/// # Errors
/// Names that are not known, files that cannot be written.
pub async fn run(db: &str, asked: &Export) -> Result {
    let mut coordinator = Coordinator::reach(db, &asked.of, Access::Read).await?;
    match asked.matrices {
        Some(format) => matrices(&mut coordinator, asked, format).await,
        None => results(&mut coordinator, asked).await,
    }
}

async fn results(coordinator: &mut Coordinator, asked: &Export) -> Result {
    let v1::SweepStatus { id, name, .. } = coordinator.sweep(&asked.what).await?;
    let form = match asked.format {
        ExportFormat::Csv => v1::Form::Csv,
        ExportFormat::Parquet => v1::Form::Parquet,
    };
    let Some(path) = &asked.out else {
        if asked.format == ExportFormat::Parquet {
            return Err(Failure::Mistake("parquet is not for a terminal; name a file with -o FILE".to_owned()));
        }
        return coordinator.export(&id, form, Standard).await.map(|_| ());
    };
    let part = beside(path);
    let mut file = create(&part).map_err(|error| unwritable(path, &error))?;
    let kept = coordinator.export(&id, form, &mut file).await.and_then(|rows| {
        keep(file, &part, path)?;
        Ok(rows)
    });
    if kept.is_err() {
        // Best effort: the error that is reported is the first one.
        let _ = std::fs::remove_file(&part);
    }
    crate::say!("{} results of \"{name}\" written to {}", kept?, path.display());
    Ok(())
}

/// Standard output, whose reader may go away when it has enough: then nobody wants the rest.
struct Standard;

impl Write for Standard {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match std::io::stdout().write(bytes) {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
            written => written,
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stdout().flush()
    }
}

async fn matrices(coordinator: &mut Coordinator, asked: &Export, format: MatrixFormat) -> Result {
    let Some((key, cell)) = session::cell_of(&asked.what) else {
        return Err(Failure::Mistake(format!("--matrices needs a cell: SWEEP/CELL, not \"{}\"", asked.what)));
    };
    let Cell { detail, stored, .. } = coordinator.cell(key, cell, true).await?;
    let name = &detail.name;
    let Some(Stored { outcome, .. }) = stored else {
        let why = match &detail.record {
            None => "it was not begun".to_owned(),
            Some(_) => format!("it is {}", detail.state),
        };
        return Err(Failure::Mistake(format!("cell {cell} of \"{name}\" has no result: {why}")));
    };
    if outcome.matrices.is_empty() {
        return Err(Failure::Mistake(format!(
            "cell {cell} of \"{name}\" recorded no matrices; ask for them in the sweep file: [record] matrices = \"final\""
        )));
    }
    let directory = asked.out.clone().unwrap_or_else(|| PathBuf::from("."));
    std::fs::create_dir_all(&directory).map_err(|e| unwritable(&directory, &e))?;
    let several = outcome.matrices.iter().any(|m| m.step != outcome.matrices[0].step);
    for matrix in &outcome.matrices {
        let layer = if matrix.layer == 0 { "W".to_owned() } else { format!("W{}", matrix.layer) };
        let step = if several { format!("step{:09}_", matrix.step) } else { String::new() };
        let (end, bytes) = match format {
            MatrixFormat::Csv => ("csv", csv(matrix)),
            MatrixFormat::Npy => ("npy", npy(matrix)),
        };
        let path = directory.join(format!("{step}{layer}.{end}"));
        std::fs::write(&path, bytes).map_err(|e| unwritable(&path, &e))?;
        crate::say!("{} ({} × {}, step {})", path.display(), matrix.rows, matrix.columns, matrix.step);
    }
    Ok(())
}

/// A file in the same directory, to be renamed when it is whole.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    PathBuf::from(name)
}

fn create(path: &Path) -> std::io::Result<std::io::BufWriter<std::fs::File>> {
    std::fs::File::create(path).map(std::io::BufWriter::new)
}

fn keep(mut file: std::io::BufWriter<std::fs::File>, part: &Path, path: &Path) -> Result {
    let kept = file.flush().and_then(|()| std::fs::rename(part, path));
    kept.with_context(|| format!("failed to write {}", path.display())).map_err(Failure::Internal)
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Mistake(format!("{} cannot be written: {error}", path.display()))
}

/// A line per row; numbers in the shortest form that reads back to the same bits.
fn csv(matrix: &Matrix) -> Vec<u8> {
    let mut text = String::new();
    for row in matrix.values.chunks(matrix.columns.max(1) as usize) {
        let row: Vec<String> = row.iter().map(|x| format!("{x:?}")).collect();
        text.push_str(&row.join(","));
        text.push('\n');
    }
    text.into_bytes()
}

/// NumPy's format, version 1.0 (numpy.lib.format): magic, version, length of the header (u16, little-endian), header
/// padded so that the data begins at a multiple of 64, then the values, row-major f64 little-endian.
fn npy(matrix: &Matrix) -> Vec<u8> {
    let mut header =
        format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({}, {}), }}", matrix.rows, matrix.columns);
    const BEFORE: usize = 10;
    let padding = (64 - (BEFORE + header.len() + 1) % 64) % 64;
    header.push_str(&" ".repeat(padding));
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(matrix.values.iter().flat_map(|x| x.to_le_bytes()));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix() -> Matrix {
        Matrix { step: 3, layer: 0, rows: 2, columns: 3, values: vec![1.0, -0.5, 1e-300, 0.1, 2.0, 3.0] }
    }

    #[test]
    fn a_csv_line_is_a_row() {
        assert_eq!(String::from_utf8(csv(&matrix())).unwrap(), "1.0,-0.5,1e-300\n0.1,2.0,3.0\n");
    }

    #[test]
    fn an_npy_file_is_as_the_format_says() {
        let bytes = npy(&matrix());
        assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
        let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        assert_eq!((10 + length) % 64, 0);
        let header = std::str::from_utf8(&bytes[10..10 + length]).unwrap();
        assert!(
            header.starts_with("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }") && header.ends_with('\n')
        );
        assert_eq!(bytes.len(), 10 + length + 48);
        assert_eq!(bytes[10 + length + 8..10 + length + 16], (-0.5f64).to_le_bytes());
    }
}
