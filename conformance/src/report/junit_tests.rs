//! What those who read JUnit files ask for.

use std::collections::{BTreeMap, BTreeSet};

use super::Format;
use super::testing::report;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// What an element may have: elements inside it, attributes that it must have, and others.
struct Allowed {
    name: &'static str,
    children: &'static [&'static str],
    required: &'static [&'static str],
    optional: &'static [&'static str],
}

/// The rules of the schema of JUnit files that Jenkins' xUnit plugin checks by, `junit-10.xsd`, as far as a report has its
/// elements. Three attributes are not in that schema: GitLab and the reporters of GitHub link to a test by its `file` and
/// `line`, and Surefire, Gradle and `quick-junit` write how many tests are `skipped` in all. The `junit` step of Jenkins
/// takes them.
const SCHEMA: [Allowed; 7] = [
    Allowed {
        name: "testsuites",
        children: &["testsuite"],
        required: &[],
        optional: &["name", "time", "tests", "failures", "errors", "skipped"],
    },
    Allowed {
        name: "testsuite",
        children: &["testsuite", "properties", "testcase", "system-out", "system-err"],
        required: &["name", "tests", "failures", "errors"],
        optional: &["time", "skipped", "timestamp", "hostname", "id", "package", "file", "url"],
    },
    Allowed {
        name: "testcase",
        children: &["skipped", "error", "failure", "system-out", "system-err"],
        required: &["name"],
        optional: &["time", "classname", "file", "line"],
    },
    Allowed { name: "failure", children: &[], required: &[], optional: &["type", "message"] },
    Allowed { name: "error", children: &[], required: &[], optional: &["type", "message"] },
    Allowed { name: "skipped", children: &[], required: &[], optional: &["type", "message"] },
    Allowed { name: "system-out", children: &[], required: &[], optional: &[] },
];

/// An element of an XML document: the names that it stands in, outermost first and its own last, and its attributes.
struct Element {
    path: Vec<String>,
    attributes: BTreeMap<String, String>,
}

impl Element {
    fn name(&self) -> &str {
        self.path.last().map_or("", String::as_str)
    }

    fn attribute(&self, key: &str) -> Option<&str> {
        self.attributes.get(key).map(String::as_str)
    }
}

/// Everything an XML reader finds: elements with their attributes.
fn elements(text: &str) -> Result<Vec<Element>> {
    use quick_xml::events::Event;
    let mut reader = quick_xml::Reader::from_str(text);
    let (mut path, mut elements) = (Vec::new(), Vec::new());
    loop {
        let event = reader.read_event()?;
        if let Event::Start(element) | Event::Empty(element) = &event {
            path.push(String::from_utf8(element.name().as_ref().to_vec())?);
            let mut attributes = BTreeMap::new();
            for attribute in element.attributes() {
                let attribute = attribute?;
                let key = String::from_utf8(attribute.key.as_ref().to_vec())?;
                attributes.insert(key, String::from_utf8(attribute.value.to_vec())?);
            }
            elements.push(Element { path: path.clone(), attributes });
        }
        match event {
            Event::Empty(_) | Event::End(_) => drop(path.pop()),
            Event::Eof => return Ok(elements),
            _ => {}
        }
    }
}

fn check_schema(element: &Element) -> Result {
    let is_of = |allowed: &&Allowed| allowed.name == element.name();
    let allowed = SCHEMA.iter().find(is_of).ok_or_else(|| format!("{:?} is unknown", element.path))?;
    let parent = element.path.iter().rev().nth(1);
    let may_stand = |parent: &String| {
        SCHEMA.iter().any(|outer| outer.name == *parent && outer.children.contains(&allowed.name))
    };
    assert!(parent.map_or(allowed.name == "testsuites", may_stand), "{:?}", element.path);
    for key in allowed.required {
        assert!(element.attribute(key).is_some(), "{:?} has no {key}", element.path);
    }
    for key in element.attributes.keys() {
        let is_known = allowed.required.iter().chain(allowed.optional).any(|known| known == key);
        assert!(is_known, "{:?} has {key}", element.path);
    }
    for key in ["tests", "failures", "errors", "skipped"] {
        assert!(element.attribute(key).is_none_or(|count| count.parse::<u32>().is_ok()));
    }
    // Thousands may stand between commas there; a number without them is the same everywhere.
    let is_time =
        |time: &str| time.chars().all(|c| c.is_ascii_digit() || c == '.') && time.parse::<f64>().is_ok();
    assert!(element.attribute("time").is_none_or(is_time));
    Ok(())
}

#[test]
fn junit_is_what_those_who_read_it_ask_for() -> Result {
    let text = Format::Junit.render(&report())?;
    let elements = elements(&text)?;
    elements.iter().try_for_each(check_schema)?;
    let mut names = BTreeSet::new();
    let mut tests = 0;
    for element in &elements {
        match element.name() {
            "testcase" => {
                tests += 1;
                let class = element.attribute("classname").ok_or("no classname")?;
                assert!(class.matches('.').count() <= 1, "{class} is a class in a package");
                assert!(names.insert((class, element.attribute("name"))), "a test is there twice");
            }
            "testsuite" => assert_eq!(element.attribute("timestamp"), Some("2026-01-02T03:04:05")),
            "failure" | "error" => {
                assert!(element.attribute("message").is_some() && element.attribute("type").is_some());
            }
            _ => {}
        }
    }
    // A suite counts what stands in it.
    for (index, suite) in elements.iter().enumerate().filter(|(_, element)| element.name() == "testsuite") {
        let inside =
            elements.iter().skip(index + 1).take_while(|element| element.path.len() > suite.path.len());
        let of = |name: &str| inside.clone().filter(|element| element.name() == name).count().to_string();
        let counts =
            [("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")];
        for (key, name) in counts {
            assert_eq!(suite.attribute(key), Some(of(name).as_str()), "{key}");
        }
    }
    // What is said of the run, the excluded case, and all cases but the one of a technique that is not there.
    assert_eq!(tests, report().objections_to_run.len() + 1 + report().cases.len() - 1);
    Ok(())
}
