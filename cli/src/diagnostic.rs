//! Mistakes in a sweep file, shown where they are.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use std::path::Path;
use sweep_core::sweep::Diagnostic;

/// Most of a long line that is shown.
const WIDTH: usize = 120;

/// `found` in the text of the file `path`, as a compiler shows them; with `colour` for terminals.
pub fn render(text: &str, path: &Path, found: &[Diagnostic], level: Level<'_>, colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() }.term_width(WIDTH);
    let path = path.display().to_string();
    let reports: Vec<String> = found
        .iter()
        .map(|mistake| {
            let snippet = Snippet::source(text)
                .path(path.as_str())
                .annotation(AnnotationKind::Primary.span(bytes(text, mistake)));
            let mut group = level.clone().primary_title(mistake.message.as_str()).element(snippet);
            if let Some(help) = &mistake.help {
                group = group.element(Level::HELP.message(help.as_str()));
            }
            renderer.render(&[group])
        })
        .collect();
    reports.join("\n\n")
}

/// The bytes that a diagnostic underlines.
fn bytes(text: &str, mistake: &Diagnostic) -> std::ops::Range<usize> {
    let line = text.split_inclusive('\n').take(mistake.line.saturating_sub(1)).map(str::len).sum::<usize>();
    let at =
        |characters: usize| text[line..].char_indices().nth(characters).map_or(text.len(), |(offset, _)| line + offset);
    let start = mistake.column.saturating_sub(1);
    at(start)..at(start + mistake.length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_below_the_value() {
        let text = "# λ\ndepth = [1, 0]\n";
        let mistake = Diagnostic {
            line: 2,
            column: 13,
            length: 1,
            message: "axis \"depth\": 0 is outside 1..=8".to_owned(),
            help: Some("a depth of 1 is W itself".to_owned()),
        };
        let shown = render(text, Path::new("a.toml"), &[mistake], Level::ERROR, false);
        let expected = "\
error: axis \"depth\": 0 is outside 1..=8
 --> a.toml:2:13
  |
2 | depth = [1, 0]
  |             ^
  |
  = help: a depth of 1 is W itself";
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_place_past_the_end_is_the_end() {
        let mistake = Diagnostic { line: 9, column: 9, length: 9, message: "m".to_owned(), help: None };
        assert_eq!(bytes("a\nλ", &mistake), 4..4);
    }
}
