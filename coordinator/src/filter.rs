//! A filter over cells, as `--where` has it: `optimizer = adam and lr >= 0.1 and not status = converged`.
//!
//! One rule: it is read here and tried on values, and never becomes part of a statement. A comparison with something that a cell
//! does not have (the `lr` of a baseline, the status of a cell without an outcome) is false.
//!
//! ```text
//! filter     = all { "or" all }
//! all        = one { "and" one }
//! one        = "not" one | "(" filter ")" | name operator value | name "in" "(" value { "," value } ")"
//! operator   = "=" | "!=" | "<" | "<=" | ">" | ">="
//! ```

use crate::store::{CellState, Stage, Touched};
use std::cmp::Ordering;
use sweep_core::axis::{self, CHOICES, Kind};
use sweep_core::error;
use sweep_core::outcome::Status;
use sweep_core::value::Value;

/// Longest filter that is read; bytes.
const MOST_BYTES: usize = 10_000;
/// Deepest nesting.
const MOST_DEPTH: usize = 100;

/// What a cell has beside its coordinates.
const FACTS: [&str; 12] = [
    "cell",
    "stage",
    "state",
    "status",
    "inflated",
    "linked",
    "attempts",
    "worker",
    "error",
    "test_rel",
    "train_loss",
    "wall_seconds",
];

/// Something that a cell fulfils or not.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter(Node);

#[derive(Debug, Clone, PartialEq)]
enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Compare(&'static str, Operator, Value),
    In(&'static str, Vec<Value>),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Operator {
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

const OPERATORS: [(&str, Operator); 6] = [
    ("=", Operator::Equal),
    ("!=", Operator::Unequal),
    ("<", Operator::Less),
    ("<=", Operator::AtMost),
    (">", Operator::Greater),
    (">=", Operator::AtLeast),
];

/// What is wrong with a filter, and where.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("filter, character {at}: {what}")]
pub struct Error {
    /// The place, in characters from 1.
    pub at: usize,
    /// What is wrong and what is allowed.
    pub what: String,
}

impl Filter {
    /// Reads a filter; one of blanks alone fits every cell.
    ///
    /// # Errors
    /// [`Error`] with the place of the first mistake.
    pub fn parse(text: &str) -> Result<Filter, Error> {
        if text.len() > MOST_BYTES {
            let what = format!("{} bytes are more than the {MOST_BYTES} allowed", text.len());
            return Err(Error { at: MOST_BYTES, what });
        }
        let tokens = tokens(text)?;
        if tokens.len() == 1 {
            return Ok(Filter(Node::All(Vec::new())));
        }
        let mut reader = Reader { tokens: &tokens, next: 0, depth: 0 };
        let node = reader.any()?;
        match reader.peek() {
            Token::End => Ok(Filter(node)),
            other => Err(reader.wrong(format!("{other} is left over; \"and\" or \"or\" goes between two comparisons"))),
        }
    }

    /// Whether a cell fulfils it.
    pub fn fits(&self, cell: &Touched) -> bool {
        fits(&self.0, &|name| value(cell, name))
    }

    /// Whether anything fulfils it that has these values.
    pub fn fits_values(&self, has: impl Fn(&str) -> Option<Value>) -> bool {
        fits(&self.0, &has)
    }

    /// The names that it speaks of, each once.
    pub fn names(&self) -> Vec<&'static str> {
        let mut names = Vec::new();
        gather(&self.0, &mut names);
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The same condition on a row of the view `results`, for people to copy; `None` where it fits everything. It is never
    /// run by this program. What is not there fulfils no comparison, where SQL would say NULL.
    pub fn sql(&self) -> Option<String> {
        (self.0 != Node::All(Vec::new())).then(|| condition(&self.0))
    }
}

fn gather(node: &Node, names: &mut Vec<&'static str>) {
    match node {
        Node::All(parts) | Node::Any(parts) => parts.iter().for_each(|part| gather(part, names)),
        Node::Not(part) => gather(part, names),
        Node::Compare(name, ..) | Node::In(name, _) => names.push(name),
    }
}

fn condition(node: &Node) -> String {
    let joined = |parts: &[Node], word: &str| {
        let parts: Vec<String> = parts.iter().map(condition).collect();
        format!("({})", parts.join(word))
    };
    match node {
        Node::All(parts) => joined(parts, " AND "),
        Node::Any(parts) => joined(parts, " OR "),
        Node::Not(part) => format!("NOT {}", condition(part)),
        Node::Compare(name, operator, value) => {
            let sign = OPERATORS.iter().find(|(_, known)| known == operator).map_or("=", |(sign, _)| *sign);
            let sign = if sign == "!=" { "<>" } else { sign };
            format!("COALESCE(\"{name}\" {sign} {}, FALSE)", literal(value))
        }
        Node::In(name, values) => {
            let values: Vec<String> = values.iter().map(literal).collect();
            format!("COALESCE(\"{name}\" IN ({}), FALSE)", values.join(", "))
        }
    }
}

/// A value as a filter has it; `None` for a text with both kinds of quotes, which no filter can hold.
pub fn literal_of_filter(value: &Value) -> Option<String> {
    match value {
        Value::Int(i) => Some(i.to_string()),
        Value::Float(x) => Some(format!("{x:?}")),
        Value::Text(text) if !text.contains('"') => Some(format!("\"{text}\"")),
        Value::Text(text) if !text.contains('\'') => Some(format!("'{text}'")),
        Value::Text(_) => None,
    }
}

/// A value in SQL; exponents and quotes as both databases read them.
pub fn literal(value: &Value) -> String {
    match value {
        Value::Int(i) => i.to_string(),
        Value::Float(x) => format!("{x:?}"),
        Value::Text(text) => format!("'{}'", text.replace('\'', "''")),
    }
}

/// What a cell has by this name.
fn value(cell: &Touched, name: &str) -> Option<Value> {
    let text = |text: &str| Some(Value::Text(text.to_owned()));
    let count = |n: u64| i64::try_from(n).ok().map(Value::Int);
    match name {
        "cell" => count(cell.cell),
        "stage" => text(cell.stage.word()),
        "state" => text(cell.state.word()),
        "status" => cell.status.as_deref().and_then(text),
        "inflated" => cell.status.as_ref().map(|_| Value::Int(cell.inflated.into())),
        "linked" => Some(Value::Int(cell.linked.into())),
        "attempts" => count(cell.attempts),
        "worker" => cell.worker.as_deref().and_then(text),
        "error" => cell.error.as_deref().and_then(text),
        "test_rel" => cell.test_rel.map(Value::Float),
        "train_loss" => cell.train_loss.map(Value::Float),
        "wall_seconds" => cell.wall_seconds.map(Value::Float),
        axis => cell.coordinates.get(axis).cloned(),
    }
}

fn fits(node: &Node, has: &dyn Fn(&str) -> Option<Value>) -> bool {
    match node {
        Node::All(parts) => parts.iter().all(|part| fits(part, has)),
        Node::Any(parts) => parts.iter().any(|part| fits(part, has)),
        Node::Not(part) => !fits(part, has),
        Node::In(name, values) => {
            has(name).is_some_and(|found| values.iter().any(|value| order(&found, value) == Some(Ordering::Equal)))
        }
        Node::Compare(name, operator, value) => {
            let Some(order) = has(name).and_then(|found| order(&found, value)) else { return false };
            match operator {
                Operator::Equal => order.is_eq(),
                Operator::Unequal => order.is_ne(),
                Operator::Less => order.is_lt(),
                Operator::AtMost => order.is_le(),
                Operator::Greater => order.is_gt(),
                Operator::AtLeast => order.is_ge(),
            }
        }
    }
}

fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        _ => a.number()?.partial_cmp(&b.number()?),
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    /// A name, a word of the filter, or a value without quotes.
    Word(String),
    /// A value in quotes.
    Quoted(String),
    /// An operator, a bracket or a comma.
    Sign(&'static str),
    End,
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Token::Word(word) => write!(f, "\"{word}\""),
            Token::Quoted(text) => write!(f, "'{text}'"),
            Token::Sign(sign) => write!(f, "\"{sign}\""),
            Token::End => write!(f, "the end"),
        }
    }
}

/// The tokens of a filter, each with its place; the last is the end.
fn tokens(text: &str) -> Result<Vec<(Token, usize)>, Error> {
    const SIGNS: [&str; 9] = ["!=", "<=", ">=", "=", "<", ">", "(", ")", ","];
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let at = text[..text.len() - rest.len()].chars().count() + 1;
        let Some(first) = rest.chars().next() else {
            tokens.push((Token::End, at));
            return Ok(tokens);
        };
        if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            tokens.push((Token::Sign(sign), at));
            rest = &rest[sign.len()..];
        } else if first == '\'' || first == '"' {
            let Some((inside, after)) = rest[1..].split_once(first) else {
                return Err(Error { at, what: format!("the quote {first} is not closed") });
            };
            tokens.push((Token::Quoted(inside.to_owned()), at));
            rest = after;
        } else {
            let part_of_word = |c: char| c.is_alphanumeric() || "_-+./:".contains(c);
            let end = rest.find(|c| !part_of_word(c)).unwrap_or(rest.len());
            if end == 0 {
                let what = format!("{first:?} has no meaning here; a value with such a character goes in quotes");
                return Err(Error { at, what });
            }
            tokens.push((Token::Word(rest[..end].to_owned()), at));
            rest = &rest[end..];
        }
    }
}

struct Reader<'a> {
    tokens: &'a [(Token, usize)],
    next: usize,
    depth: usize,
}

impl Reader<'_> {
    fn peek(&self) -> &Token {
        &self.tokens[self.next].0
    }

    fn wrong(&self, what: String) -> Error {
        Error { at: self.tokens[self.next].1, what }
    }

    /// Takes the next token if it is this word or sign.
    fn take(&mut self, expected: &str) -> bool {
        let found = match self.peek() {
            Token::Word(word) => word.eq_ignore_ascii_case(expected),
            Token::Sign(sign) => *sign == expected,
            Token::Quoted(_) | Token::End => false,
        };
        self.next += usize::from(found);
        found
    }

    fn any(&mut self) -> Result<Node, Error> {
        let mut parts = vec![self.all()?];
        while self.take("or") {
            parts.push(self.all()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Node::Any(parts) })
    }

    fn all(&mut self) -> Result<Node, Error> {
        let mut parts = vec![self.one()?];
        while self.take("and") {
            parts.push(self.one()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Node::All(parts) })
    }

    fn one(&mut self) -> Result<Node, Error> {
        self.depth += 1;
        if self.depth > MOST_DEPTH {
            return Err(self.wrong(format!("more than {MOST_DEPTH} levels deep")));
        }
        let node = if self.take("not") {
            Node::Not(Box::new(self.one()?))
        } else if self.take("(") {
            let node = self.any()?;
            if !self.take(")") {
                return Err(self.wrong(format!("{} stands where \")\" is missing", self.peek())));
            }
            node
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(node)
    }

    fn comparison(&mut self) -> Result<Node, Error> {
        let name = self.name()?;
        if self.take("in") {
            if !self.take("(") {
                return Err(self.wrong(format!("{} stands where \"(\" is missing", self.peek())));
            }
            let mut values = vec![self.value(name, true)?];
            while self.take(",") {
                values.push(self.value(name, true)?);
            }
            if !self.take(")") {
                return Err(self.wrong(format!("{} stands where \",\" or \")\" is missing", self.peek())));
            }
            return Ok(Node::In(name, values));
        }
        let operator = OPERATORS.iter().find(|(sign, _)| self.take(sign)).map(|(_, operator)| *operator);
        let operator = operator.ok_or_else(|| {
            self.wrong(format!("{} stands after \"{name}\"; allowed: =, !=, <, <=, >, >=, in (…)", self.peek()))
        })?;
        let equality = matches!(operator, Operator::Equal | Operator::Unequal);
        Ok(Node::Compare(name, operator, self.value(name, equality)?))
    }

    /// The name of something that cells have.
    fn name(&mut self) -> Result<&'static str, Error> {
        let Token::Word(word) = self.peek() else {
            return Err(self.wrong(format!("{} stands where a name is needed, as in: optimizer = adam", self.peek())));
        };
        let axes = axis::all().iter().map(|axis| axis.name);
        let known: Vec<&'static str> = FACTS.iter().chain(CHOICES).copied().chain(axes).chain(["replicate"]).collect();
        let Some(name) = known.iter().find(|name| *name == word) else {
            let unknown = error::Error::Unknown { what: "name", name: word.clone(), known };
            return Err(self.wrong(unknown.to_string()));
        };
        self.next += 1;
        Ok(name)
    }

    /// A value that `name` may have.
    fn value(&mut self, name: &'static str, equality: bool) -> Result<Value, Error> {
        let (text, quoted) = match self.peek() {
            Token::Word(word) => (word.clone(), false),
            Token::Quoted(text) => (text.clone(), true),
            other => return Err(self.wrong(format!("{other} stands where a value of \"{name}\" is needed"))),
        };
        let word = |known: &[&'static str]| match known {
            _ if !equality => Err(self.wrong(format!("\"{name}\" is a word; allowed: =, !=, in (…)"))),
            [] => Ok(Value::Text(text.clone())),
            known if known.contains(&text.as_str()) => Ok(Value::Text(text.clone())),
            known => {
                let unknown = error::Error::Unknown { what: name, name: text.clone(), known: known.to_vec() };
                Err(self.wrong(unknown.to_string()))
            }
        };
        let number = || {
            let number = text.parse().map(Value::Int).or_else(|_| text.parse().map(Value::Float));
            let finite = number.ok().filter(|value| !quoted && value.number().is_some_and(f64::is_finite));
            finite.ok_or_else(|| self.wrong(format!("\"{text}\" is no number, and \"{name}\" is one")))
        };
        let flag = || match text.as_str() {
            "0" | "false" => Ok(Value::Int(0)),
            "1" | "true" => Ok(Value::Int(1)),
            _ => Err(self.wrong(format!("\"{text}\" is no value of \"{name}\"; allowed: true, false, 1, 0"))),
        };
        let value = match name {
            "stage" => word(&Stage::ALL.map(|(_, word)| word)),
            "state" => word(&CellState::ALL.map(|(_, word)| word)),
            "status" => word(&Status::ALL.map(|(_, word)| word)),
            "worker" | "error" => word(&[]),
            "inflated" | "linked" => flag(),
            choice if CHOICES.contains(&choice) => {
                let known: Vec<&'static str> = axis::entries(choice).into_iter().map(|(entry, ..)| entry).collect();
                word(&known)
            }
            other => match axis::find(other).map(|axis| axis.kind) {
                Some(Kind::Word(words)) => word(words),
                Some(Kind::File) => word(&[]),
                _ => number(),
            },
        }?;
        self.next += 1;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn cell() -> Touched {
        let coordinates = [
            ("optimizer", Value::from("adam")),
            ("lr", Value::Float(0.1)),
            ("depth", Value::Int(3)),
            ("observed", Value::from("it's/a b.csv")),
        ];
        Touched {
            cell: 7,
            stage: Stage::Grid,
            coordinates: coordinates
                .into_iter()
                .map(|(axis, value)| (axis.to_owned(), value))
                .collect::<BTreeMap<_, _>>(),
            state: CellState::Done,
            linked: false,
            status: Some("diverged".to_owned()),
            inflated: true,
            test_rel: Some(0.5),
            train_loss: None,
            wall_seconds: Some(1.5),
            attempts: 2,
            worker: Some("host-1".to_owned()),
            error: None,
        }
    }

    fn holds(text: &str) -> bool {
        Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).fits(&cell())
    }

    #[test]
    fn what_a_cell_has_is_compared() {
        for text in [
            "",
            "optimizer = adam",
            "optimizer != gd and lr >= 0.1 and depth < 4",
            "lr = 1e-1",
            "depth = 3.0",
            "state = done and status = diverged and inflated = true",
            "linked = 0",
            "cell in (6, 7)",
            "optimizer in (gd, adam)",
            "worker = host-1",
            "observed = \"it's/a b.csv\"",
            "(depth = 1 or depth = 3) AND NOT lr > 0.1",
            "depth = 1 and lr = 9 or attempts = 2",
            "not not stage = grid",
        ] {
            assert!(holds(text), "{text}");
        }
        for text in ["optimizer = gd", "lr > 0.1", "cell in (1)", "depth = 1 and attempts = 2", "not (lr = 0.1)"] {
            assert!(!holds(text), "{text}");
        }
    }

    #[test]
    fn as_sql_it_is_quoted_and_null_is_false() {
        let sql = |text: &str| Filter::parse(text).unwrap().sql();
        assert_eq!(sql(" "), None);
        let expected =
            "(COALESCE(\"lr\" >= 1e-5, FALSE) AND NOT COALESCE(\"observed\" IN ('a''; DROP TABLE x'), FALSE))";
        assert_eq!(sql("lr >= 0.00001 and not observed in (\"a'; DROP TABLE x\")").unwrap(), expected);
        assert_eq!(Filter::parse("lr = 1 or depth = 2 and lr = 3").unwrap().names(), ["depth", "lr"]);
    }

    #[test]
    fn what_a_cell_does_not_have_fits_no_comparison() {
        for text in ["momentum = 0.9", "momentum != 0.9", "penalty != ratio", "train_loss < 1", "error = x"] {
            assert!(!holds(text), "{text}");
        }
        assert!(holds("not momentum = 0.9"));
    }

    #[test]
    fn a_mistake_is_named_with_its_place_and_what_is_allowed() {
        let nested = "(".repeat(200);
        for (text, at, told) in [
            ("optimzer = adam", 1, "nearest: \"optimizer\""),
            ("optimizer = adm", 13, "adam"),
            ("state = ready or state = faild", 26, "quarantined"),
            ("lr = high", 6, "no number"),
            ("lr = '0.1'", 6, "no number"),
            ("lr = NaN", 6, "no number"),
            ("optimizer < adam", 13, "allowed: =, !=, in"),
            ("inflated = 2", 12, "true, false"),
            ("lr 0.1", 4, "allowed: =, !="),
            ("lr = 0.1 depth = 3", 10, "\"and\" or \"or\""),
            ("(lr = 0.1", 10, "\")\" is missing"),
            ("lr in 0.1", 7, "\"(\" is missing"),
            ("lr in (0.1 0.2)", 12, "\",\" or \")\""),
            ("lr =", 5, "the end"),
            ("and", 1, "name"),
            ("observed = 'x", 12, "not closed"),
            ("lr = 0.1; DROP TABLE cells", 9, "';'"),
            (&nested, 101, "levels deep"),
        ] {
            let error = Filter::parse(text).unwrap_err();
            assert_eq!(error.at, at, "{text}: {error}");
            assert!(error.to_string().contains(told), "{text}: {error}");
        }
        assert!(Filter::parse(&" ".repeat(20_000)).is_err());
    }
}
