//! The steps of each edition, as the table and the picture on the page of `Discovery`.
//!
//! Both are drawn from the tables that the machine reads. Where one changed,
//! `FEDWAY_WRITE_STEPS=1 cargo test -p fedway-core --test steps` draws them again.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use fedway_core::{Edition, Order, Rules};

#[test]
fn the_table_of_steps_says_what_the_editions_say() {
    holds("steps.md", &table());
}

#[test]
fn the_picture_of_steps_shows_what_the_editions_say() {
    holds("steps.svg", &picture());
}

#[test]
fn every_number_of_an_edition_has_a_row_and_no_row_has_another() {
    for edition in Edition::ALL {
        let Rules { steps, .. } = *edition.rules();
        let mut numbers = vec![steps.literal, steps.explicit_port, steps.well_known];
        numbers.extend([steps.delegated_literal, steps.delegated_port]);
        numbers.extend(steps.delegated_srv);
        numbers.push(steps.delegated_fallback);
        numbers.extend(steps.srv);
        numbers.push(steps.fallback);
        numbers.retain(|number| !number.is_empty());
        // As the text has them: this is where a wrong order would show
        numbers.sort_unstable();
        let rows: Vec<_> = rows(edition.rules()).iter().map(|row| row.number).collect();
        assert_eq!(rows, numbers, "{edition}");
    }
}

/// Holds a file of `src/discovery` against what is drawn now, or writes it
fn holds(file: &str, drawn: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/discovery")
        .join(file);
    if env::var_os(WRITE).is_some() {
        fs::write(path, drawn).expect("the source can be written to");
        return;
    }
    let kept = fs::read_to_string(path).unwrap_or_default();
    // Git may have given it other line ends
    assert!(
        kept.lines().eq(drawn.lines()),
        "{file} is not what the editions say: {WRITE}=1 cargo test -p fedway-core --test steps"
    );
}

/// A step, as an edition has it
struct Row {
    number: &'static str,
    /// Whether it is about the name that .well-known delegates to
    delegated: bool,
    what: What,
}

/// What a step looks for
#[derive(Clone, Copy, PartialEq)]
enum What {
    Literal,
    Port,
    WellKnown,
    Srv(fedway_core::Service),
    /// Nothing: the last resort
    Fallback,
}

/// The steps in the order of an edition
fn rows(rules: &Rules) -> Vec<Row> {
    let steps = &rules.steps;
    let row = |number, delegated, what| Row {
        number,
        delegated,
        what,
    };
    let srv = |numbers: &'static [&'static str], delegated| {
        let services = rules.services.iter().copied().map(What::Srv);
        let numbered = numbers.iter().copied().zip(services);
        numbered.map(move |(number, what)| row(number, delegated, what))
    };
    let mut well_known = vec![
        row(steps.well_known, false, What::WellKnown),
        row(steps.delegated_literal, true, What::Literal),
        row(steps.delegated_port, true, What::Port),
    ];
    well_known.extend(srv(steps.delegated_srv, true));
    well_known.push(row(steps.delegated_fallback, true, What::Fallback));

    let mut rows = vec![row(steps.literal, false, What::Literal)];
    if rules.explicit_port {
        rows.push(row(steps.explicit_port, false, What::Port));
    }
    let srv = srv(steps.srv, false);
    if rules.order == Order::SrvFirst {
        rows.extend(srv);
        rows.extend(well_known);
    } else {
        rows.extend(well_known);
        rows.extend(srv);
    }
    rows.push(row(steps.fallback, false, What::Fallback));
    rows
}

/// The step after that of this index, where that came to nothing
fn next(rows: &[Row], index: usize) -> Option<&Row> {
    let Row {
        delegated, what, ..
    } = rows[index];
    let mut later = rows[index + 1..].iter();
    later.find(|row| row.delegated == delegated && what != What::Fallback)
}

fn table() -> String {
    let mut text = format!("<!-- {DRAWN} -->\n");
    for edition in Edition::ALL {
        let rules = edition.rules();
        let rows = rows(rules);
        let _ = write!(
            text,
            "\n## Steps of {}\n\n\
             | step | looks for | then the server is | and its `Host` header | otherwise |\n|---|---|---|---|---|\n",
            rules.name
        );
        for (index, row) in rows.iter().enumerate() {
            let whose = if row.delegated { "delegated " } else { "" };
            let looks_for = match row.what {
                What::Literal => format!("an IP literal as the {whose}name"),
                What::Port => format!("a port in the {whose}name"),
                What::WellKnown => "`https://<host>/.well-known/matrix/server`".to_owned(),
                What::Srv(service) => {
                    let deprecated = if service.deprecated {
                        ", deprecated"
                    } else {
                        ""
                    };
                    let label = service.label;
                    format!("SRV records `{label}.<{whose}host>`{deprecated}")
                }
                What::Fallback => "nothing".to_owned(),
            };
            let with_port = if rules.port_in_host_header {
                format!("the {whose}name, with its port if it has one")
            } else {
                format!("the {whose}name, without port")
            };
            let (server, header) = match row.what {
                What::Literal => ("the address, at its port or 8448".to_owned(), with_port),
                What::Port => (format!("the {whose}host, at that port"), with_port),
                What::WellKnown => (
                    format!("see {}, for the name it gives", rows[index + 1].number),
                    String::new(),
                ),
                What::Srv(_) => (
                    "a target of theirs, at its port".to_owned(),
                    format!("the {whose}host"),
                ),
                What::Fallback => (
                    format!("the {whose}host, at port 8448"),
                    format!("the {whose}host"),
                ),
            };
            let mut otherwise = match next(&rows, index) {
                Some(next) => format!("step {}", next.number),
                None => "the search fails".to_owned(),
            };
            if row.what == What::WellKnown {
                otherwise += match rules.invalid_body_is_final {
                    true => "; 200 with a body that is not valid: the search fails",
                    false => ", also after 200 with a body that is not valid",
                };
            }
            let number = row.number;
            let _ = writeln!(
                text,
                "| {number} | {looks_for} | {server} | {header} | {otherwise} |"
            );
        }
        if !rules.explicit_port {
            text += "\nA port in a server name that is not an IP literal is not looked at.\n";
        }
    }
    text
}

/// One column an edition: a box is a step, what is delegated stands further in, an arrow says what comes next
fn picture() -> String {
    let editions = Edition::ALL.map(|edition| column(edition.rules()));
    let width = editions.len() * (COLUMN + BETWEEN) - BETWEEN + 2 * EDGE;
    let height = editions.iter().map(|(_, height)| height).max();
    let height = height.expect("there are editions");
    let mut svg = format!(
        "<!-- {DRAWN} -->\n\
         <svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" style=\"max-width: {width}px\" \
         role=\"img\" aria-label=\"The steps of each edition\" font-family=\"sans-serif\" font-size=\"12\" \
         fill=\"currentColor\">\n\
         <style>@media (prefers-color-scheme: dark) {{ svg:root {{ color: #ddd }} }}</style>\n"
    );
    for (index, (drawn, _)) in editions.iter().enumerate() {
        let left = EDGE + index * (COLUMN + BETWEEN);
        let _ = write!(svg, "<g transform=\"translate({left} 0)\">\n{drawn}</g>\n");
    }
    svg + "</svg>\n"
}

/// The drawing of an edition, and its height
fn column(rules: &Rules) -> (String, usize) {
    let rows = rows(rules);
    let mut drawn = String::new();
    text(&mut drawn, (0, 16), BOLD, rules.name);
    let mut top = 28;
    let mut tops = Vec::new();
    for row in &rows {
        tops.push(top);
        top += LINE * says(rules, row).len() + 2 * PADDING + GAP;
    }
    for (index, row) in rows.iter().enumerate() {
        let lines = says(rules, row);
        let left = if row.delegated { INDENT } else { 0 };
        let top = tops[index];
        let bottom = top + LINE * lines.len() + 2 * PADDING;
        let _ = writeln!(
            drawn,
            "<rect x=\"{left}\" y=\"{top}\" width=\"{}\" height=\"{}\" rx=\"5\" fill-opacity=\"0.08\" \
             stroke=\"currentColor\" stroke-opacity=\"0.5\"/>",
            COLUMN - left,
            bottom - top,
        );
        let baseline = top + PADDING + LINE - 4;
        text(&mut drawn, (left + 8, baseline), BOLD, row.number);
        for (line, (style, words)) in lines.iter().enumerate() {
            let at = (left + NUMBER, baseline + LINE * line);
            text(&mut drawn, at, style, words);
        }
        if row.what == What::WellKnown {
            arrow(
                &mut drawn,
                INDENT + 14,
                bottom,
                tops[index + 1],
                "delegates",
            );
        }
        if let Some(next) = next(&rows, index) {
            let why = match row.what {
                What::WellKnown => "fails",
                What::Fallback | What::Literal | What::Port | What::Srv(_) => "no",
            };
            let to = rows.iter().position(|row| row.number == next.number);
            let to = tops[to.expect("it is one of them")];
            arrow(&mut drawn, left + 14, bottom, to, why);
        }
    }
    (drawn, top - GAP + EDGE)
}

/// The lines in the box of a step, each with its style
fn says(rules: &Rules, row: &Row) -> Vec<(&'static str, String)> {
    let host = if row.delegated {
        "that host"
    } else {
        "the host"
    };
    match row.what {
        What::Literal => vec![
            (PLAIN, "an IP literal?".to_owned()),
            (FAINT, "→ the address, at its port or 8448".to_owned()),
        ],
        What::Port => vec![
            (PLAIN, "a port?".to_owned()),
            (FAINT, format!("→ {host}, at that port")),
        ],
        What::WellKnown => vec![
            (PLAIN, ".well-known/matrix/server?".to_owned()),
            (
                FAINT,
                match rules.invalid_body_is_final {
                    true => "200, body not valid: the search fails".to_owned(),
                    false => "200, body not valid: fails like any other".to_owned(),
                },
            ),
        ],
        What::Srv(service) => {
            let deprecated = if service.deprecated {
                " (deprecated)"
            } else {
                ""
            };
            vec![
                (PLAIN, format!("SRV {}{deprecated}?", service.label)),
                (FAINT, "→ their targets, at their ports".to_owned()),
            ]
        }
        What::Fallback => vec![(FAINT, format!("→ {host}, at port 8448"))],
    }
}

fn text(drawn: &mut String, (left, baseline): (usize, usize), style: &str, words: &str) {
    let _ = writeln!(
        drawn,
        "<text x=\"{left}\" y=\"{baseline}\"{style}>{words}</text>"
    );
}

/// From the bottom of a box straight down to the top of another
fn arrow(drawn: &mut String, x: usize, from: usize, to: usize, why: &str) {
    let neck = to - 6;
    let _ = writeln!(
        drawn,
        "<path d=\"M{x} {from}V{neck}\" stroke=\"currentColor\" fill=\"none\"/>\n\
         <path d=\"M{x} {to}l-4 -7h8z\"/>"
    );
    text(drawn, (x + 8, from + 14), SMALL, why);
}

/// What has the files written instead of compared
const WRITE: &str = "FEDWAY_WRITE_STEPS";
const DRAWN: &str = "Drawn by core/tests/steps.rs from the tables in core/src/edition.rs";

// Styles of a text
const PLAIN: &str = "";
const BOLD: &str = " font-weight=\"bold\"";
const FAINT: &str = " fill-opacity=\"0.75\"";
const SMALL: &str = " font-size=\"11\" font-style=\"italic\"";

// Lengths in pixels; three columns are as wide as a page of rustdoc
const COLUMN: usize = 292;
const BETWEEN: usize = 24;
const INDENT: usize = 40;
/// From the side of a box to its words, beyond the step's number
const NUMBER: usize = 48;
const LINE: usize = 17;
const PADDING: usize = 5;
const GAP: usize = 24;
/// Room for the half of a line that lies outside of its box
const EDGE: usize = 1;
