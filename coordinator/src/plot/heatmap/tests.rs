use proptest::prelude::*;

use super::super::Spread;
use super::super::frame::hatch;
use super::super::inspect::Picture;
use super::*;

fn category(name: &str, count: usize) -> Category {
    Category { name: name.into(), values: (1..=count).map(|i| format!("{i}")).collect() }
}

fn tile(x: usize, y: usize) -> Tile {
    Tile { x, y, done: 4, cells: 4, ..tile::SAMPLE }
}

/// A grid with every state in turn, in `facets` (across, down).
fn sample(columns: usize, rows: usize, facets: (usize, usize)) -> Heatmap {
    let mut tiles = Vec::new();
    for i in 0..columns * rows * facets.0 * facets.1 {
        let (cell, facet) = (i % (columns * rows), i / (columns * rows));
        let value = Some(10f64.powi(-(i as i32 % 6)));
        let tile = Tile { across: facet % facets.0, down: facet / facets.0, ..tile(cell % columns, cell / columns) };
        let tile = Tile { href: Some(format!("/sweeps/1?tile={i}&more")), ..tile };
        tiles.push(match i % 9 {
            0 => Tile { value, ..tile },
            1 => Tile { value, diverged: 1, ..tile },
            2 => Tile { value, inflated: 2, ..tile },
            3 => Tile { value, done: 2, running: 1, ..tile },
            4 => Tile { value: None, diverged: 3, ..tile },
            5 => Tile { value: None, done: 0, failed: 4, ..tile },
            6 => Tile { value: None, done: 0, running: 1, ..tile },
            7 => Tile { value: None, done: 0, href: None, ..tile },
            _ => Tile { value, done: 3, failed: 1, ..tile },
        });
    }
    Heatmap {
        title: "λ × lr".into(),
        subtitle: "sample data".into(),
        caption: "n = 4, seeds 0–3.".into(),
        x: Category {
            name: "lr".into(),
            values: (0..columns).map(|i| format!("{}", 10f64.powi(i as i32 % 9 - 3))).collect(),
        },
        y: Category { name: "λ".into(), values: (0..rows).map(|i| format!("row <{i}>")).collect() },
        across: (facets.0 > 1).then(|| category("depth", facets.0)),
        down: (facets.1 > 1).then(|| category("samples", facets.1)),
        metric: Axis { name: "relative test error".into(), spread: Spread::Log },
        word: "median",
        range: None,
        contour: None,
        tiles,
    }
}

fn says(picture: &Picture, text: &str) -> bool {
    picture.texts().iter().any(|t| t == text)
}

#[test]
fn every_tile_is_drawn_once_with_its_signs() {
    for facets in [(1, 1), (3, 2)] {
        let data = sample(6, 6, facets);
        let picture = Picture::read(&heatmap(&data));
        picture.check();
        let count = |f: &dyn Fn(&Tile) -> bool| data.tiles.iter().filter(|t| f(t)).count();
        assert_eq!(picture.count("tile"), data.tiles.len());
        assert_eq!(picture.count("data"), count(&|t| t.value.is_some() || t.done > 0));
        // Each sign once at its tiles and once in the legend.
        type Has<'a> = &'a dyn Fn(&Tile) -> bool;
        let signs: [(&str, Has); 8] = [
            ("inflated", &|t| t.inflated > 0),
            ("some-diverged", &|t| t.diverged > 0 && t.value.is_some()),
            ("diverged", &|t| t.value.is_none() && t.done > 0),
            ("share", &|t| t.done > 0 && t.done + t.failed < t.cells),
            ("some-given-up", &|t| t.failed > 0 && t.done > 0),
            ("given-up", &|t| t.failed == t.cells),
            ("running", &|t| t.running > 0 && t.done == 0),
            ("pending", &|t| t.done + t.running + t.failed == 0),
        ];
        for (class, of) in signs {
            assert_eq!(picture.count(class), count(of) + 1, "{class}");
        }
        for (_, text) in Sign::ALL {
            assert!(says(&picture, text), "{text}");
        }
        for text in ["row <0>", "row <5>", "lr", "λ", "relative test error (log)", "0.01"] {
            assert!(says(&picture, text), "{text}: {:?}", picture.texts());
        }
    }
}

#[test]
fn the_legend_has_only_what_occurs() {
    let mut data = sample(3, 3, (1, 1));
    data.tiles.retain(|t| t.x == 0 && t.y == 0);
    data.contour = Some(Contour { level: 1e9, label: "far above".into() });
    let picture = Picture::read(&heatmap(&data));
    assert!(Sign::ALL.iter().all(|(_, text)| !says(&picture, text)), "{:?}", picture.texts());
    assert!(!says(&picture, "far above"));
}

#[test]
fn a_pending_picture_has_no_scale_and_no_white_tiles() {
    let mut data = sample(4, 4, (2, 1));
    for tile in &mut data.tiles {
        *tile = Tile { value: None, done: 0, running: 0, failed: 0, diverged: 0, inflated: 0, ..tile.clone() };
    }
    let picture = Picture::read(&heatmap(&data));
    picture.check();
    assert_eq!((picture.count("bar"), picture.count("tile")), (0, 32));
    assert_eq!(picture.attributes("pending", "fill"), vec!["none"; 33]);
}

#[test]
fn a_click_leads_on_and_a_pointer_reads_all() {
    let mut data = sample(2, 1, (1, 1));
    data.x = Category { name: "lr".into(), values: vec!["0.1".into(), "</title><script>x(\"'\")\n".into()] };
    data.y.values = vec!["0.01".into()];
    data.across = Some(category("depth", 1));
    let odd = "/s?a=\"><script>y</script>\n&b='".to_owned();
    let counts = Tile { cells: 10, done: 8, running: 2, diverged: 1, inflated: 2, ..tile(0, 0) };
    data.tiles = vec![
        Tile { value: Some(0.0032), href: Some("/sweeps/1?lr=0.1&depth=3".into()), ..counts },
        Tile { value: None, done: 0, href: Some(odd.clone()), ..tile(1, 0) },
    ];
    let svg = heatmap(&data);
    let picture = Picture::read(&svg);
    picture.check();
    let tooltips = picture.tooltips("tile");
    assert_eq!(
        tooltips[0],
        "depth 1 · lr 0.1 · λ 0.01 · median 0.0032 · 8 of 10 done · 2 running · 1 diverged · 2 inflated"
    );
    assert_eq!(tooltips[1], "depth 1 · lr </title><script>x(\"'\")  · λ 0.01 · 0 of 4 done");
    assert_eq!(picture.attributes("tile", "href"), ["/sweeps/1?lr=0.1&depth=3".to_owned(), odd.replace('\n', " ")]);
    assert!(!picture.elements().contains(&"script".to_owned()) && !svg.contains("<script"));
    assert_eq!(picture.elements().iter().filter(|name| *name == "a").count(), 2);
    // Without a link it is no link, and is told all the same.
    data.tiles[0].href = None;
    let picture = Picture::read(&heatmap(&data));
    assert_eq!((picture.elements().iter().filter(|name| *name == "a").count(), picture.tooltips("tile").len()), (1, 2));
}

#[test]
fn equal_values_have_equal_colours_in_all_facets() {
    let mut data = sample(4, 1, (3, 2));
    data.tiles.iter_mut().for_each(|t| {
        // The range of each facet differs, one value is in all.
        let value = if t.x == 0 { 0.1 } else { 0.1 * 10f64.powi((t.x * (t.across + 1)) as i32) };
        *t = Tile { value: Some(value), done: 4, failed: 0, ..t.clone() };
    });
    let colours = |data: &Heatmap| -> Vec<(String, String)> {
        let picture = Picture::read(&heatmap(data));
        picture.check();
        let values = Places::of(data).values().map(|v| number(v, 6)).collect::<Vec<_>>();
        values.into_iter().zip(picture.attributes("data", "fill")).collect()
    };
    let drawn = colours(&data);
    assert_eq!(drawn.len(), 24);
    for (a, b) in drawn.iter().flat_map(|a| drawn.iter().map(move |b| (a, b))) {
        assert_eq!(a.0 == b.0, a.1 == b.1, "{a:?} {b:?}");
    }
    // A fixed range holds whatever the data: half of it is the middle colour, and what is beyond has the end's.
    data.metric.spread = Spread::Linear;
    data.range = Some((0.0, 1.0));
    data.tiles.iter_mut().for_each(|t| t.value = Some([0.0, 0.5, 1.0, 7.0][t.x]));
    let hexes = [0.0, 0.5, 1.0, 1.0].map(|share| colour::hex(colour::viridis(share)));
    assert!(colours(&data).chunks(4).all(|c| c.iter().zip(&hexes).all(|(c, hex)| c.1 == *hex)));
}

#[test]
fn the_contour_separates_high_tiles_from_low_ones() {
    let mut data = sample(8, 6, (2, 2));
    // Success grows to the right, and starts later in the lower facets.
    data.tiles.iter_mut().for_each(|t| {
        let value = Some(f64::from(t.x as u32 > 2 + 2 * t.down as u32));
        *t = Tile { value, done: 4, failed: 0, ..t.clone() };
    });
    (data.metric.spread, data.range) = (Spread::Linear, Some((0.0, 1.0)));
    data.contour = Some(Contour { level: 0.5, label: "success in half of the runs".into() });
    let picture = Picture::read(&heatmap(&data));
    picture.check();
    assert!(says(&picture, "success in half of the runs"));
    // One line in the picture, one sample in the legend, each with its halo.
    assert_eq!((picture.count("contour"), picture.count("halo"), picture.count("level")), (2, 2, 2));
    let path = &picture.attributes("contour", "d")[0];
    let numbers: Vec<f64> = path.split(['M', 'L', ' ']).filter_map(|n| n.parse().ok()).collect();
    let (lefts, tops) = (picture.numbers("data", "x"), picture.numbers("data", "y"));
    let (widths, fills) = (picture.numbers("data", "width"), picture.attributes("data", "fill"));
    let heights = picture.numbers("data", "height");
    for (i, j) in (0..lefts.len()).flat_map(|i| (0..lefts.len()).map(move |j| (i, j))) {
        // Neighbours in a facet: the second begins where the first ends, but for the gap.
        let next = tops[i] == tops[j] && lefts[j] - lefts[i] > 1.0 && lefts[j] - lefts[i] < widths[i] + 4.0;
        if next {
            let between =
                |x: f64, y: f64| x > lefts[i] && x < lefts[j] + widths[j] && y >= tops[i] && y <= tops[i] + heights[i];
            let crossed = numbers.chunks(2).any(|p| between(p[0], p[1]));
            let at_edge = numbers.chunks(2).filter(|p| between(p[0], p[1])).all(|p| (p[0] - lefts[j]).abs() < 2.0);
            assert!(at_edge, "{path}");
            assert_eq!(crossed, fills[i] != fills[j], "{i} {j}");
        }
    }
}

#[test]
fn names_stand_at_the_outer_edges_alone() {
    let mut data = sample(5, 4, (3, 2));
    data.x.values[0] = "first".into();
    let picture = Picture::read(&heatmap(&data));
    let count = |text: &str| picture.texts().iter().filter(|t| *t == text).count();
    // Below each column of facets and beside each row of them, not at every facet.
    assert_eq!((count("row <0>"), count("first"), count("lr"), count("λ")), (2, 3, 1, 1));
    for text in ["depth 1", "depth 3", "samples 1", "samples 2"] {
        assert_eq!(count(text), 1, "{text}");
    }
}

#[test]
fn any_size_is_drawn_without_touching_texts() {
    let sizes = [
        (1, 1, (1, 1)),
        (2, 12, (1, 1)),
        (40, 3, (1, 1)),
        (60, 60, (1, 1)),
        (0, 4, (1, 1)),
        (1, 1, (8, 8)),
        (5, 4, (3, 1)),
        (2, 2, (1, 8)),
        (3, 9, (8, 1)),
        (60, 5, (8, 1)),
        (5, 60, (2, 8)),
        (20, 20, (8, 8)),
    ];
    for (columns, rows, facets) in sizes {
        let mut data = sample(columns, rows, facets);
        data.contour = Some(Contour { level: 0.01, label: "a hundredth".into() });
        let picture = Picture::read(&heatmap(&data));
        picture.check();
        assert!(
            picture.size().0 <= 1101.0 && picture.size().1 <= 1250.0,
            "{columns} {rows} {facets:?} {:?}",
            picture.size()
        );
    }
}

#[test]
fn odd_names_and_values_are_drawn() {
    let long = "a very long optimizer name with a schedule and a half";
    for facets in [(1, 1), (4, 3)] {
        let mut odd = sample(3, 3, facets);
        odd.x.values = vec![long.into(), "b".into(), "c".into()];
        odd.tiles[0].value = Some(f64::NAN);
        odd.tiles[1].value = Some(-1.0);
        odd.tiles.push(Tile { x: 99, ..odd.tiles[0].clone() });
        odd.tiles.push(Tile { across: 99, ..odd.tiles[0].clone() });
        for name in [&mut odd.x.name, &mut odd.y.name, &mut odd.metric.name] {
            *name = format!("{long}  ‖W‖_{{unobserved}} of the quantity that is varied in this picture, and more");
        }
        for category in odd.across.iter_mut().chain(&mut odd.down) {
            category.name = long.into();
            category.values[0] = long.into();
        }
        odd.contour = Some(Contour { level: 0.01, label: long.repeat(9) });
        Picture::read(&heatmap(&odd)).check();
        odd.tiles.retain(|tile| tile.x > 3);
        assert_eq!(Picture::read(&heatmap(&odd)).count("empty"), 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn nothing_touches_at_any_size(
        columns in 1usize..=12, rows in 1usize..=12, across in 1usize..=8, down in 1usize..=8,
        lengths in proptest::collection::vec(0usize..24, 8),
    ) {
        let mut data = sample(columns, rows, (across, down));
        let text = |length: usize| "wide name ".chars().cycle().take(length).collect::<String>();
        data.x.name = text(lengths[0]);
        data.y.name = text(lengths[1]);
        data.x.values[0] = text(lengths[2]);
        data.y.values[0] = text(lengths[3]);
        for (category, lengths) in data.across.iter_mut().chain(&mut data.down).zip(lengths[4..].chunks(2)) {
            category.name = text(lengths[0]);
            category.values[0] = text(lengths[1]);
        }
        Picture::read(&heatmap(&data)).check();
    }
}

#[test]
fn hatching_stays_in_its_tile() {
    for number in hatch(10.0, 20.0, 30.0, 7.0, 4.0).split(|c: char| "ML ".contains(c)).filter(|s| !s.is_empty()) {
        assert!((10.0..=40.0).contains(&number.parse::<f64>().unwrap()));
    }
    assert_eq!(hatch(0.0, 0.0, 10.0, 10.0, 10.0), "M0 5L5 0M5 10L10 5");
}
