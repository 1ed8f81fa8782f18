//! Names the columns that a shard has, as a profile would write them, for those who named another profile.

use arrow_schema::{DataType, Field, Fields};
use serde_json::Value;

use crate::profile::{Column, Step};

/// No more columns are named: a schema may have thousands.
const COLUMNS_MAX: usize = 40;

/// A longer name is cut. It is whatever somebody wrote into a file.
const NAME_CHARS_MAX: usize = 60;

/// The columns of a shard, as they are found.
#[derive(Debug, Default)]
pub(crate) struct Present {
    names: Vec<String>,
    n_more: usize,
}

impl Present {
    /// Adds the columns of a schema.
    pub(crate) fn fields(&mut self, fields: &Fields) {
        fields.iter().for_each(|field| self.field(&mut Vec::new(), field));
    }

    /// Adds the members of a JSON object, each behind `way`; other bytes add nothing.
    pub(crate) fn object(&mut self, way: &[Step], bytes: &[u8]) {
        if let Ok(mut object @ Value::Object(_)) = serde_json::from_slice(bytes) {
            // Records of one shard may have their members in different orders.
            object.sort_all_objects();
            self.value(&mut way.to_vec(), &object);
        }
    }

    /// Adds one column.
    pub(crate) fn column(&mut self, way: &[Step]) {
        if self.names.len() == COLUMNS_MAX {
            self.n_more += 1;
            return;
        }
        let column = Column { of_row: false, steps: way.to_vec(), optional: false };
        let name = column.to_string().replace(char::is_control, "\u{fffd}");
        let is_long = name.chars().count() > NAME_CHARS_MAX;
        let shown: String = name.chars().take(NAME_CHARS_MAX).collect();
        let shown = if is_long { format!("{shown}…") } else { shown };
        if !self.names.contains(&shown) {
            self.names.push(shown);
        }
    }

    /// Returns the names.
    pub(crate) fn into_names(mut self) -> Vec<String> {
        if self.n_more > 0 {
            self.names.push(format!("… and {} more", self.n_more));
        }
        self.names
    }

    fn field(&mut self, way: &mut Vec<Step>, field: &Field) {
        way.push(Step::Field(field.name().clone()));
        self.of_type(way, field.data_type());
        way.pop();
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "every other type is a column by itself")]
    fn of_type(&mut self, way: &mut Vec<Step>, found: &DataType) {
        match found {
            DataType::Struct(fields) => fields.iter().for_each(|field| self.field(way, field)),
            DataType::List(element) | DataType::LargeList(element) | DataType::FixedSizeList(element, _) => {
                way.push(Step::Each);
                self.of_type(way, element.data_type());
                way.pop();
            }
            _ => self.column(way),
        }
    }

    fn value(&mut self, way: &mut Vec<Step>, value: &Value) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    way.push(Step::Field(name.clone()));
                    self.value(way, value);
                    way.pop();
                }
            }
            Value::Array(elements) => {
                way.push(Step::Each);
                // The others of a list are like the first.
                match elements.first() {
                    Some(element) => self.value(way, element),
                    None => self.column(way),
                }
                way.pop();
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => self.column(way),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_json(text: &str) -> Vec<String> {
        let mut present = Present::default();
        present.object(&[], text.as_bytes());
        present.into_names()
    }

    #[test]
    fn columns_are_named_as_a_profile_writes_them() {
        let row = r#"{"id":1,"meta":{"a.b":null},"messages":[{"content":"x"},{"role":"y"}],"tags":[]}"#;
        let names = of_json(row);
        assert_eq!(names, ["id", "messages[].content", "meta.\"a.b\"", "tags[]"]);
        assert!(names.iter().all(|name| name.parse::<Column>().is_ok()));
        assert!(of_json("[1]").is_empty() && of_json("{").is_empty());
    }

    #[test]
    fn what_somebody_wrote_for_a_name_is_bounded() {
        let long = of_json(&format!("{{\"{}\\n\":1}}", "x".repeat(NAME_CHARS_MAX)));
        assert_eq!(long, [format!("{}…", "x".repeat(NAME_CHARS_MAX))]);
        let many: Vec<String> = (0..COLUMNS_MAX + 2).map(|nth| format!("\"c{nth}\":1")).collect();
        let many = of_json(&format!("{{{}}}", many.join(",")));
        assert_eq!((many.len(), many.last().unwrap().as_str()), (COLUMNS_MAX + 1, "… and 2 more"));
    }
}
