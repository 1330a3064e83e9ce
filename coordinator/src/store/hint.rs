//! What a misspelt query may have meant: the nearest known table or column.

use super::describe;

/// Names that differ from a word by more than this share of it (and 1) are not what was meant.
const FAR: usize = 3;

/// What to add to a database's `message` about `query`; empty where it is not about a name, or nothing is near.
pub(super) fn hint(message: &str, query: &str) -> String {
    // SQLite, then Postgres.
    let after = |start: &str| message.split_once(start).map(|(_, rest)| rest.trim().trim_matches('"').to_owned());
    let between = |start: &str, end: &str| {
        after(start).and_then(|rest| Some(rest.split_once(end)?.0.trim_matches('"').to_owned()))
    };
    let table = after("no such table: ").or_else(|| between("relation \"", "\" does not exist"));
    let column = || after("no such column: ").or_else(|| between("column ", " does not exist"));
    let relations = describe::relations();
    if let Some(table) = table {
        let views: Vec<&str> = relations.iter().filter(|r| r.view).map(|r| r.name.as_str()).collect();
        let near = nearest(&table, relations.iter().map(|r| r.name.as_str()));
        let near = near.map_or(String::new(), |name| format!("; nearest: {name}"));
        return format!("{near}; views: {}", views.join(", "));
    }
    let Some(column) = column() else { return String::new() };
    let bare = column.rsplit('.').next().unwrap_or_default().to_owned();
    // Of the relations that the query names; of all where it names none.
    let named = |name: &str| {
        query.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).any(|word| word.eq_ignore_ascii_case(name))
    };
    let asked: Vec<_> = relations.iter().filter(|relation| named(&relation.name)).collect();
    let all = || asked.iter().flat_map(|relation| &relation.columns).map(|(name, ..)| name.as_str());
    let within = asked.iter().map(|relation| relation.name.as_str()).collect::<Vec<_>>().join(", ");
    if let Some(near) = nearest(&bare, all()) {
        return format!("; nearest in {within}: {near}");
    }
    let has = |relation: &&describe::Relation| relation.columns.iter().any(|(name, ..)| *name == bare);
    let elsewhere: Vec<&str> = relations.iter().filter(has).map(|relation| relation.name.as_str()).collect();
    match (elsewhere.is_empty(), within.is_empty()) {
        (false, _) => format!("; it is a column of {}", elsewhere.join(", ")),
        (true, false) => format!("; `SELECT * FROM {} LIMIT 1` shows the columns", asked[0].name),
        (true, true) => String::new(),
    }
}

/// The known name nearest to `word`: by letters, or else the first that holds it.
fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
    let word = word.to_ascii_lowercase();
    let far = |name: &&str| strsim::osa_distance(&word, name);
    let near = known.clone().min_by_key(far).filter(|name| far(name) <= 1 + word.len() / FAR);
    near.or_else(|| known.into_iter().find(|name| word.len() > 2 && name.contains(&word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_column_finds_the_nearest_of_what_was_asked() {
        let of = |column: &str, query: &str| hint(&format!("no such column: {column}"), query);
        assert_eq!(of("r.lamda", "SELECT r.lamda FROM results r"), "; nearest in results: lambda");
        assert_eq!(of("last_test_re", "SELECT * FROM outcomes"), "; nearest in outcomes: last_test_rel");
        // No letter is near, but a name holds it.
        assert_eq!(of("seconds", "SELECT seconds FROM points"), "; nearest in points: wall_seconds");
        // Of another relation.
        let found = of("candidates", "SELECT candidates FROM points");
        assert!(found.starts_with("; it is a column of ") && found.contains("selections"), "{found}");
        assert_eq!(of("xyzzyxyzzy", "SELECT xyzzyxyzzy FROM tags"), "; `SELECT * FROM tags LIMIT 1` shows the columns");
        assert_eq!(of("xyzzyxyzzy", "SELECT xyzzyxyzzy"), "");
        let postgres = hint("column r.lamda does not exist", "SELECT r.lamda FROM results r");
        assert_eq!(postgres, "; nearest in results: lambda");
    }

    #[test]
    fn a_misspelt_table_finds_the_nearest_and_the_views() {
        for message in ["no such table: reslts", "relation \"reslts\" does not exist"] {
            let found = hint(message, "SELECT * FROM reslts");
            assert!(found.starts_with("; nearest: results; views: "), "{found}");
            assert!(found.contains("medians") && !found.contains("blob_chunks"), "{found}");
        }
        assert_eq!(hint("near \"FORM\": syntax error", "SELECT * FORM results"), "");
    }
}
