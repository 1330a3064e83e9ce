//! For tests: an SVG read back, with the checks every picture passes.

use resvg::usvg::roxmltree::{Document, Node};
use resvg::usvg::{self, Rect};

/// A drawn picture.
pub(super) struct Picture {
    svg: String,
}

fn elements<'a>(document: &'a Document<'a>) -> impl Iterator<Item = Node<'a, 'a>> {
    document.descendants().filter(Node::is_element)
}

fn is_of(node: &Node, class: &str) -> bool {
    node.attribute("class").is_some_and(|classes| classes.split(' ').any(|c| c == class))
}

impl Picture {
    pub(super) fn read(svg: &str) -> Picture {
        Picture { svg: svg.to_owned() }
    }

    fn document(&self) -> Document<'_> {
        Document::parse(&self.svg).expect("well-formed XML")
    }

    /// How many elements are of a class.
    pub(super) fn count(&self, class: &str) -> usize {
        elements(&self.document()).filter(|node| is_of(node, class)).count()
    }

    /// Every line of text, tooltips apart.
    pub(super) fn texts(&self) -> Vec<String> {
        let text = |n: Node| -> String {
            n.descendants()
                .filter(|d| d.is_text() && d.parent().is_some_and(|p| p.tag_name().name() != "title"))
                .filter_map(|d| d.text())
                .collect()
        };
        elements(&self.document()).filter(|n| n.tag_name().name() == "text").map(text).collect()
    }

    /// The numbers of an attribute over a class, as cx over the dots.
    pub(super) fn numbers(&self, class: &str, attribute: &str) -> Vec<f64> {
        elements(&self.document())
            .filter(|n| is_of(n, class))
            .filter_map(|n| n.attribute(attribute)?.parse().ok())
            .collect()
    }

    /// An attribute over the elements of a class that have it, in the order of drawing.
    pub(super) fn attributes(&self, class: &str, attribute: &str) -> Vec<String> {
        let document = self.document();
        elements(&document)
            .filter(|n| is_of(n, class))
            .filter_map(|n| Some(n.attribute(attribute)?.to_owned()))
            .collect()
    }

    /// The tooltips of the elements of a class.
    pub(super) fn tooltips(&self, class: &str) -> Vec<String> {
        let title = |n: Node| Some(n.children().find(|c| c.tag_name().name() == "title")?.text()?.to_owned());
        elements(&self.document()).filter(|n| is_of(n, class)).filter_map(title).collect()
    }

    /// Width and height of the picture.
    pub(super) fn size(&self) -> (f64, f64) {
        let document = self.document();
        let side = |name| document.root_element().attribute(name).and_then(|v| v.parse().ok()).expect("a size");
        (side("width"), side("height"))
    }

    /// Names of all elements.
    pub(super) fn elements(&self) -> Vec<String> {
        elements(&self.document()).map(|node| node.tag_name().name().to_owned()).collect()
    }

    /// Numbers are finite; shapes and the outlines of texts lie inside the picture; no two texts touch.
    pub(super) fn check(&self) {
        for node in elements(&self.document()) {
            for attribute in node.attributes().filter(|a| a.name() != "class") {
                let value = attribute.value();
                assert!(!value.contains("NaN") && !value.contains("inf"), "{} {value}", attribute.name());
            }
        }
        let tree = super::png::parse(&self.svg).expect("SVG");
        let (width, height) = (tree.size().width(), tree.size().height());
        let mut texts: Vec<(String, Rect)> = Vec::new();
        boxes(tree.root(), &mut |text, bounds| {
            let inside =
                bounds.left() >= 0.0 && bounds.top() >= 0.0 && bounds.right() <= width && bounds.bottom() <= height;
            assert!(inside, "{text:?} at {bounds:?} is outside {width} × {height}");
            texts.extend(text.map(|text| (text, bounds)));
        });
        assert_eq!(texts.len(), self.texts().iter().filter(|t| !t.trim().is_empty()).count(), "a text has no outline");
        for (index, (text, a)) in texts.iter().enumerate() {
            for (other, b) in &texts[..index] {
                let apart =
                    a.left() >= b.right() || b.left() >= a.right() || a.top() >= b.bottom() || b.top() >= a.bottom();
                assert!(apart, "{text:?} {a:?} touches {other:?} {b:?}");
            }
        }
    }
}

/// Calls `see` with the bounds of every shape, and of every text with what it says.
fn boxes(group: &usvg::Group, see: &mut dyn FnMut(Option<String>, Rect)) {
    for node in group.children() {
        match node {
            usvg::Node::Group(group) => boxes(group, see),
            usvg::Node::Text(text) => {
                let said: String = text.chunks().iter().map(|chunk| chunk.text()).collect();
                see(Some(said), text.flattened().abs_bounding_box());
            }
            usvg::Node::Path(path) => see(None, path.abs_stroke_bounding_box()),
            usvg::Node::Image(_) => panic!("an image"),
        }
    }
}
