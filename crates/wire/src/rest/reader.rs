//! Reads an input whose members are spread over path, query, headers and body.

use base::Timestamp;
use http::HeaderMap;
use percent_encoding::percent_decode_str;
use smithy::{Document, HttpBinding, OperationSchema, ReadError, Schema, ShapeReader};

use crate::aws_query::{Form, parse_boolean, parse_double, parse_integer};
use crate::json::JsonReader;
use crate::message::WireRequest;
use crate::text::{decode_base64, parse_timestamp, wrong_type};

/// Stands at the input structure.
pub(crate) struct RestReader<'r, 'a> {
    labels: Vec<(&'static str, String)>,
    query: Form<'a>,
    headers: &'a HeaderMap,
    body: &'r mut JsonReader<'a>,
}

impl<'r, 'a> RestReader<'r, 'a> {
    pub(crate) fn new(
        request: &WireRequest<'a>,
        operation: &'static OperationSchema,
        body: &'r mut JsonReader<'a>,
    ) -> Result<Self, ReadError> {
        Ok(Self {
            labels: labels(operation.http.uri, request.path)?,
            query: Form::parse(request.query.unwrap_or_default().as_bytes())?,
            headers: request.headers,
            body,
        })
    }

    /// The texts a binding finds in the request; none if it is absent.
    fn texts(&self, binding: HttpBinding) -> Vec<&str> {
        match binding {
            HttpBinding::Label(name) => self
                .labels
                .iter()
                .filter(|(label, _)| *label == name)
                .map(|(_, text)| text.as_str())
                .collect(),
            HttpBinding::Query(name) => self.query.all(name).collect(),
            HttpBinding::Header(name) => {
                self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect()
            }
            HttpBinding::StatusCode => Vec::new(),
        }
    }
}

impl ShapeReader for RestReader<'_, '_> {
    fn read_structure(
        &mut self,
        schema: &'static Schema,
        member: &mut dyn FnMut(usize, &mut dyn ShapeReader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        for (index, described) in schema.members.iter().enumerate() {
            let Some(binding) = described.http else { continue };
            let texts = self.texts(binding);
            if !texts.is_empty() {
                member(index, &mut TextReader { texts: &texts, binding })?;
            }
        }
        self.body.read_structure(schema, member)
    }

    fn read_list(
        &mut self,
        schema: &'static Schema,
        element: &mut dyn FnMut(&mut dyn ShapeReader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        self.body.read_list(schema, element)
    }

    fn read_map(
        &mut self,
        schema: &'static Schema,
        entry: &mut dyn FnMut(String, &mut dyn ShapeReader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        self.body.read_map(schema, entry)
    }

    fn read_string(&mut self, schema: &'static Schema) -> Result<String, ReadError> {
        self.body.read_string(schema)
    }

    fn read_boolean(&mut self, schema: &'static Schema) -> Result<bool, ReadError> {
        self.body.read_boolean(schema)
    }

    fn read_integer(&mut self, schema: &'static Schema) -> Result<i64, ReadError> {
        self.body.read_integer(schema)
    }

    fn read_double(&mut self, schema: &'static Schema) -> Result<f64, ReadError> {
        self.body.read_double(schema)
    }

    fn read_timestamp(&mut self, schema: &'static Schema) -> Result<Timestamp, ReadError> {
        self.body.read_timestamp(schema)
    }

    fn read_blob(&mut self, schema: &'static Schema) -> Result<Vec<u8>, ReadError> {
        self.body.read_blob(schema)
    }

    fn read_document(&mut self, schema: &'static Schema) -> Result<Document, ReadError> {
        self.body.read_document(schema)
    }
}

/// Matches a path against a URI template such as `/tags/{ResourceArn+}`; labels are percent-decoded.
fn labels(template: &'static str, path: &str) -> Result<Vec<(&'static str, String)>, ReadError> {
    let template = template.split('?').next().unwrap_or_default().trim_start_matches('/');
    let mut rest = Some(path.trim_start_matches('/'));
    let mut labels = Vec::new();
    for segment in template.split('/') {
        let Some(name) = segment.strip_prefix('{').and_then(|s| s.strip_suffix('}')) else {
            rest = rest.and_then(|r| r.split_once('/')).map(|(_, tail)| tail);
            continue;
        };
        let text = rest.unwrap_or_default();
        let (name, text, tail) = match (name.strip_suffix('+'), text.split_once('/')) {
            (Some(greedy), _) => (greedy, text, None),
            (None, Some((head, tail))) => (name, head, Some(tail)),
            (None, None) => (name, text, None),
        };
        rest = tail;
        let decoded = percent_decode_str(text)
            .decode_utf8()
            .map_err(|_| ReadError::Malformed(format!("the path's {name} is not UTF-8")))?;
        labels.push((name, decoded.into_owned()));
    }
    Ok(labels)
}

/// A value, or a list of values, given as text.
struct TextReader<'t> {
    texts: &'t [&'t str],
    binding: HttpBinding,
}

impl TextReader<'_> {
    fn text(&self) -> &str {
        self.texts.first().copied().unwrap_or_default()
    }
}

impl ShapeReader for TextReader<'_> {
    fn read_structure(
        &mut self,
        schema: &'static Schema,
        _: &mut dyn FnMut(usize, &mut dyn ShapeReader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        Err(wrong_type(schema, "text"))
    }

    fn read_list(
        &mut self,
        _schema: &'static Schema,
        element: &mut dyn FnMut(&mut dyn ShapeReader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        for text in self.texts {
            // A header holds a whole list, separated by commas; a query repeats its parameter.
            if matches!(self.binding, HttpBinding::Header(_)) {
                for part in text.split(',') {
                    element(&mut TextReader { texts: &[part.trim()], binding: self.binding })?;
                }
            } else {
                element(&mut TextReader { texts: &[text], binding: self.binding })?;
            }
        }
        Ok(())
    }

    fn read_map(
        &mut self,
        schema: &'static Schema,
        _: &mut dyn FnMut(String, &mut dyn ShapeReader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        Err(wrong_type(schema, "text"))
    }

    fn read_string(&mut self, _schema: &'static Schema) -> Result<String, ReadError> {
        Ok(self.text().to_owned())
    }

    fn read_boolean(&mut self, schema: &'static Schema) -> Result<bool, ReadError> {
        parse_boolean(schema, self.text())
    }

    fn read_integer(&mut self, schema: &'static Schema) -> Result<i64, ReadError> {
        parse_integer(schema, self.text())
    }

    fn read_double(&mut self, schema: &'static Schema) -> Result<f64, ReadError> {
        parse_double(schema, self.text())
    }

    fn read_timestamp(&mut self, schema: &'static Schema) -> Result<Timestamp, ReadError> {
        parse_timestamp(self.text()).ok_or_else(|| wrong_type(schema, "text"))
    }

    fn read_blob(&mut self, _schema: &'static Schema) -> Result<Vec<u8>, ReadError> {
        decode_base64(self.text())
    }

    fn read_document(&mut self, _schema: &'static Schema) -> Result<Document, ReadError> {
        Ok(Document::String(self.text().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_decoded_and_greedy_ones_take_the_rest() {
        for (template, path, expected) in [
            ("/Traces", "/Traces", vec![]),
            ("/tags/{ResourceArn+}", "/tags/arn%3Aaws/x/y", vec![("ResourceArn", "arn:aws/x/y")]),
            ("/a/{B}/c/{D}", "/a/1%2F2/c/3", vec![("B", "1/2"), ("D", "3")]),
            ("/a/{B}?x=y", "/a/b", vec![("B", "b")]),
            ("/a/{B}", "/a", vec![("B", "")]),
        ] {
            let found = labels(template, path).unwrap();
            let found: Vec<_> = found.iter().map(|(name, text)| (*name, text.as_str())).collect();
            assert_eq!(found, expected, "{template}");
        }
    }
}
