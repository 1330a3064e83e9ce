use super::super::inspect::Picture;
use super::*;

fn run(value: f64) -> Replicate {
    Replicate { value: Some(value), inflated: false }
}

const DIVERGED: Replicate = Replicate { value: None, inflated: false };

fn row(group: &str, label: &str, replicates: Vec<Replicate>) -> Row {
    let chosen = vec![
        Chosen { name: "lr".into(), value: "0.1".into(), edge: Some(Edge::Greatest) },
        Chosen { name: "λ".into(), value: "0.01".into(), edge: None },
    ];
    Row { group: group.into(), label: label.into(), key: label.into(), chosen, replicates }
}

fn picture(rows: Vec<Row>) -> Methods {
    Methods {
        title: "Which method finds the matrix?".into(),
        subtitle: "n = 50, rank 2, m = 500".into(),
        caption: "sample data.".into(),
        seeds: "seeds 100–107".into(),
        metric: TEST_ERROR.into(),
        baseline: Some(Reference { label: "minimum nuclear norm".into(), value: 0.177 }),
        rows,
    }
}

/// A few rows with every kind of run.
fn mixed() -> Methods {
    picture(vec![
        row("depth 1", "gd · ratio", [0.95, 0.97, 1.02].map(run).to_vec()),
        row("depth 1", "adam · ratio", vec![run(0.0066), run(0.0085), run(0.0), DIVERGED]),
        row("depth 3", "gd", vec![DIVERGED, DIVERGED, Replicate { value: Some(2.5), inflated: true }]),
        row("depth 3", "adam", vec![Replicate { value: Some(1e12), inflated: true }, run(0.02)]),
        row("depth 3", "none yet", vec![]),
    ])
}

#[test]
fn every_replicate_is_one_mark() {
    let svg = methods(&mixed());
    let drawn = Picture::read(&svg);
    drawn.check();
    assert_eq!(drawn.count("dot"), 12);
    assert_eq!((drawn.count("fine"), drawn.count("zero")), (6 + 1, 1 + 1), "runs and the legend's sign");
    assert_eq!((drawn.count("diverged"), drawn.count("inflated")), (3 + 1, 2 + 1), "runs and the legend's sign");
    assert_eq!((drawn.count("baseline"), drawn.count("band"), drawn.count("gutter")), (1, 1, 1));
    // Medians on the axis: .97, .0085·½+.0066·½ (of 0, .0066, .0085, ∞), none (2.5, ∞, ∞), beyond the axis (.02, 1e12).
    assert_eq!(drawn.count("median"), 2);
}

#[test]
fn every_name_and_number_is_written() {
    let svg = methods(&mixed());
    let texts = Picture::read(&svg).texts();
    for text in [
        "Which method finds the matrix?",
        "n = 50, rank 2, m = 500",
        "depth 1",
        "depth 3",
        "gd · ratio",
        "adam · ratio",
        "none yet",
        "lr 0.1 ▲ · λ 0.01",
        "minimum nuclear norm 0.177",
        "0.97",
        "0.0076",
        "failed",
        "no runs",
        "diverged (failed)",
        "relative test error  ‖(W − W*)unobserved‖F / ‖W*unobserved‖F  (log scale, lower is better)",
        "n = 0–4 runs per method, seeds 100–107. Diverged runs rank last in median and quartiles. sample data.",
    ] {
        assert!(texts.iter().any(|t| t == text), "{text}: {texts:#?}");
    }
    // The header, two rows whose median failed.
    assert_eq!(texts.iter().filter(|t| *t == "failed").count(), 2);
}

#[test]
fn marks_stand_at_their_values() {
    let mut data = picture(vec![row("", "a", vec![run(0.01), run(0.1), run(1.0)])]);
    data.baseline = None;
    let svg = methods(&data);
    let x = Picture::read(&svg).numbers("dot", "cx");
    assert!((x[1] - x[0] - (x[2] - x[1])).abs() < 0.05 && x[0] < x[1], "{x:?}");
    // Failed runs stand right of the plot, beyond every value.
    data.rows[0].replicates.push(DIVERGED);
    let svg = methods(&data);
    let x = Picture::read(&svg).numbers("dot", "cx");
    assert!(x[3] > x[2] + 10.0, "{x:?}");
}

#[test]
fn any_number_of_rows_and_any_range_fit() {
    for rows in [1, 3, 8, 30] {
        for replicates in [1, 8, 40] {
            let value = |i: usize, r: usize| 10f64.powf(((i * 7 + r * 3) % 23) as f64 / 2.0 - 9.0);
            let rows = (0..rows).map(|i| {
                let label = format!("optimizer {i} · ratio");
                let replicates =
                    (0..replicates).map(|r| if (i + r) % 5 == 0 { DIVERGED } else { run(value(i, r)) }).collect();
                row(&format!("depth {}", i / 5), &label, replicates)
            });
            let data = picture(rows.collect());
            let svg = methods(&data);
            let drawn = Picture::read(&svg);
            drawn.check();
            assert_eq!(drawn.count("dot"), data.rows.len() * replicates);
        }
    }
}

#[test]
fn odd_input_is_drawn() {
    let check = |data: &Methods| {
        let svg = methods(data);
        let drawn = Picture::read(&svg);
        drawn.check();
        (drawn.count("dot"), drawn.count("empty"))
    };
    assert_eq!(check(&picture(vec![])), (0, 1));
    assert_eq!(check(&picture(vec![row("", "a", vec![])])), (0, 0));
    assert_eq!(check(&picture(vec![row("", "equal", vec![run(0.177); 8])])), (8, 0));
    assert_eq!(check(&picture(vec![row("", "all", vec![DIVERGED; 200])])), (200, 0));
    let extremes = [0.0, -1.0, 1e-300, 1e300, f64::NAN, f64::INFINITY, 5e-324].map(run);
    assert_eq!(check(&picture(vec![row("", "odd", extremes.to_vec())])), (7, 0));
    let mut long = mixed();
    let words = "a long name that goes on, and on ".repeat(12);
    (long.title, long.subtitle, long.caption, long.metric) =
        (words.clone(), words.clone(), words.clone(), "metric".into());
    for row in &mut long.rows {
        (row.label, row.group) = (words.clone(), words.replace(' ', "_"));
        row.chosen.extend((0..9).map(|i| Chosen {
            name: format!("beta{i}"),
            value: "0.999".into(),
            edge: Some(Edge::Least),
        }));
    }
    long.baseline = Some(Reference { label: words, value: 1e-3 });
    assert_eq!(check(&long), (12, 0));
}

#[test]
fn names_are_text_and_nothing_else() {
    let mut data = mixed();
    let name = "</text><script>alert('1 & \"2\"')</script>\u{1b}";
    (data.title, data.rows[0].label) = (name.into(), name.into());
    data.rows[1].group = name.into();
    let svg = methods(&data);
    assert!(!svg.contains("<script"));
    let drawn = Picture::read(&svg);
    drawn.check();
    assert!(drawn.texts().contains(&name.replace('\u{1b}', "\u{fffd}")));
}

#[test]
fn the_same_data_give_the_same_picture() {
    assert_eq!(methods(&mixed()), methods(&mixed()));
}
