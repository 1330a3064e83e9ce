//! Factors from a file.
//!
//! Plain text: each layer as rows of comma-separated numbers, `W_1` first, one empty line between layers. At depth 1
//! that is the CSV of W.

use super::{Build, Entry, Init};
use crate::axis::{Axis, Kind};
use crate::error::Result;
use crate::problem::Files;
use crate::problem::text::Input;
use ndarray::Array2;

/// Factors from a file.
pub const ENTRY: Entry<Build> = Entry {
    name: "file",
    doc: "factors from a file: rows of comma-separated numbers, W_1 first, an empty line between layers",
    axes: &[Axis::needed("init_file", "file of the initial factors", Kind::File)],
    build: |trial| Box::new(File(Input::of(trial, "init_file"))),
};

struct File(Input);

impl Init for File {
    fn factors(&self, dims: &[usize], _: i64, files: &dyn Files) -> Result<Vec<Array2<f64>>> {
        let bytes = self.0.read(files)?;
        let mut text = self.0.text(&bytes)?;
        let layers = dims.len() - 1;
        let mut factors = Vec::with_capacity(layers);
        for j in 1..=layers {
            let (rows, columns) = (dims[j], dims[j - 1]);
            let mut values = Vec::new();
            for row in 0..rows {
                let expected = || format!("row {} of {rows}×{columns} layer {j} of {layers}", row + 1);
                let Some(line) = text.next()? else {
                    return Err(text.error(0, format!("the file ends where {} is expected", expected())));
                };
                if line.text.is_empty() {
                    return Err(line.fault(format!("an empty line where {} is expected", expected())));
                }
                let found = line.numbers(&mut values)?;
                if found != columns {
                    return Err(line.fault(format!("{found} numbers where {} is expected", expected())));
                }
            }
            factors.push(Array2::from_shape_vec((rows, columns), values).expect("every row has its length"));
            match text.next()? {
                None => {}
                Some(line) if j < layers && line.text.is_empty() => {}
                Some(line) => {
                    let end = if j < layers { "an empty line" } else { "the end of the file" };
                    return Err(line.fault(format!("more text where {end} is expected, after layer {j} of {layers}")));
                }
            }
        }
        Ok(factors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::fixture::{Memory, trial_with};

    fn of(content: &str, dims: &[usize]) -> Result<Vec<Array2<f64>>> {
        let mut files = Memory::default();
        files.add("w.txt", content.as_bytes());
        let trial =
            trial_with("n1=5 n2=5 rank=1 samples=5 optimizer=gd lr=0.1 steps=1 init=file init_file=w.txt", &files)?;
        (ENTRY.build)(&trial).factors(dims, 0, &files)
    }

    #[test]
    fn layers_are_read_first_layer_first() {
        let factors = of("1,2,3\n4,5,6\r\n\r\n7,8\n", &[3, 2, 1]).unwrap();
        assert_eq!(factors, [ndarray::array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], ndarray::array![[7.0, 8.0]]]);
        assert_eq!(of("1,2\n3,4", &[2, 2]).unwrap(), [ndarray::array![[1.0, 2.0], [3.0, 4.0]]]);
    }

    #[test]
    fn files_of_another_shape_are_refused_with_the_place() {
        for (content, dims, message) in [
            ("", &[2, 2][..], "w.txt:0:0: the file is empty"),
            ("1,2\n", &[2, 2], "w.txt:1:0: the file ends where row 2 of 2×2 layer 1 of 1 is expected"),
            ("1,2\n3\n", &[2, 2], "w.txt:2:1: 1 numbers where row 2 of 2×2 layer 1 of 1 is expected"),
            ("1,2\n3,x\n", &[2, 2], "w.txt:2:3: \"x\" is not a number"),
            ("1,2\n3,inf\n", &[2, 2], "w.txt:2:3: \"inf\" is not finite"),
            ("1,2\n\n3,4\n", &[2, 2], "w.txt:2:1: an empty line where row 2 of 2×2 layer 1 of 1 is expected"),
            (
                "1,2\n3,4\n5,6\n",
                &[2, 2],
                "w.txt:3:1: more text where the end of the file is expected, after layer 1 of 1",
            ),
            ("1\n2\n", &[1, 1, 1], "w.txt:2:1: more text where an empty line is expected, after layer 1 of 2"),
            ("1\n", &[1, 1, 1], "w.txt:1:0: the file ends where row 1 of 1×1 layer 2 of 2 is expected"),
        ] {
            assert_eq!(of(content, dims).unwrap_err().to_string(), message, "{content:?}");
        }
    }
}
