//! The configuration: a line for each rule, `request OLD NEW` or `response OLD NEW`.

/// Replaces a text by another in all bodies of one direction.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    old: Vec<u8>,
    new: Vec<u8>,
}

/// The rules of both directions, in the order of the configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    pub request: Vec<Rule>,
    pub response: Vec<Rule>,
}

impl Rules {
    /// Parses a configuration. The error names the line.
    pub fn parse(text: &str) -> Result<Rules, String> {
        let mut rules = Rules::default();
        for (i, line) in text.lines().enumerate() {
            match line.split_whitespace().collect::<Vec<_>>()[..] {
                [] => {}
                ["request", old, new] => rules.request.push(Rule::new(old, new)),
                ["response", old, new] => rules.response.push(Rule::new(old, new)),
                _ => {
                    return Err(format!(
                        "line {}: not `request OLD NEW` or `response OLD NEW`",
                        i + 1
                    ))
                }
            }
        }
        if rules == Rules::default() {
            return Err("there are no rules".to_string());
        }
        Ok(rules)
    }
}

impl Rule {
    fn new(old: &str, new: &str) -> Rule {
        Rule {
            old: old.into(),
            new: new.into(),
        }
    }

    fn apply(&self, body: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(body.len());
        let mut rest = body;
        while let Some(first) = rest.first() {
            if rest.starts_with(&self.old) {
                out.extend_from_slice(&self.new);
                rest = &rest[self.old.len()..];
            } else {
                out.push(*first);
                rest = &rest[1..];
            }
        }
        out
    }
}

/// Applies the rules to a body, one after another.
pub fn apply(rules: &[Rule], body: &[u8]) -> Vec<u8> {
    rules
        .iter()
        .fold(body.to_vec(), |body, rule| rule.apply(&body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_apply_in_their_order() {
        let rules = Rules::parse("request cat dog\n\nrequest dog bird\nresponse a bb").unwrap();
        assert_eq!(
            apply(&rules.request, b"cat, dog, \xff"),
            b"bird, bird, \xff"
        );
        assert_eq!(apply(&rules.response, b"aab"), b"bbbbb");
        assert_eq!(apply(&rules.response, b""), b"");
    }

    #[test]
    fn bad_lines_are_named() {
        for (text, error) in [
            ("", "there are no rules"),
            (
                "request a b\nresponse a",
                "line 2: not `request OLD NEW` or `response OLD NEW`",
            ),
        ] {
            assert_eq!(Rules::parse(text), Err(error.to_string()));
        }
    }
}
