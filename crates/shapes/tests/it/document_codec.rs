//! The plainest codec there is: shapes to and from [`Document`] trees, by member name.

use base::Timestamp;
use smithy::{Document, ReadError, Schema, ShapeReader, ShapeWriter, WriteError, WriteShape};

/// Writes one value into `value`.
#[derive(Default)]
pub(crate) struct TreeWriter {
    pub(crate) value: Document,
}

impl ShapeWriter for TreeWriter {
    fn write_structure(&mut self, _: &'static Schema, shape: &dyn WriteShape) -> Result<(), WriteError> {
        self.value = Document::Map(Vec::new());
        shape.write_members(self)
    }

    fn member(
        &mut self,
        schema: &'static Schema,
        index: usize,
        value: &mut dyn FnMut(&mut dyn ShapeWriter) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        let mut inner = TreeWriter::default();
        value(&mut inner)?;
        let Document::Map(members) = &mut self.value else { panic!("a member outside a structure") };
        members.push((schema.members[index].name.to_owned(), inner.value));
        Ok(())
    }

    fn write_list(
        &mut self,
        _: &'static Schema,
        len: usize,
        element: &mut dyn FnMut(usize, &mut dyn ShapeWriter) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        let mut list = Vec::new();
        for i in 0..len {
            let mut inner = TreeWriter::default();
            element(i, &mut inner)?;
            list.push(inner.value);
        }
        self.value = Document::List(list);
        Ok(())
    }

    fn write_map(
        &mut self,
        _: &'static Schema,
        keys: &[&str],
        entry: &mut dyn FnMut(usize, &mut dyn ShapeWriter) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        let mut map = Vec::new();
        for (i, key) in keys.iter().enumerate() {
            let mut inner = TreeWriter::default();
            entry(i, &mut inner)?;
            map.push(((*key).to_owned(), inner.value));
        }
        self.value = Document::Map(map);
        Ok(())
    }

    fn write_string(&mut self, _: &'static Schema, value: &str) -> Result<(), WriteError> {
        self.value = Document::String(value.to_owned());
        Ok(())
    }

    fn write_boolean(&mut self, _: &'static Schema, value: bool) -> Result<(), WriteError> {
        self.value = Document::Boolean(value);
        Ok(())
    }

    fn write_integer(&mut self, _: &'static Schema, value: i64) -> Result<(), WriteError> {
        self.value = Document::Integer(value);
        Ok(())
    }

    fn write_double(&mut self, _: &'static Schema, value: f64) -> Result<(), WriteError> {
        self.value = Document::Double(value);
        Ok(())
    }

    fn write_timestamp(&mut self, _: &'static Schema, value: Timestamp) -> Result<(), WriteError> {
        self.value = Document::Integer(value.as_millis());
        Ok(())
    }

    fn write_blob(&mut self, _: &'static Schema, value: &[u8]) -> Result<(), WriteError> {
        self.value = Document::List(value.iter().map(|byte| Document::Integer(i64::from(*byte))).collect());
        Ok(())
    }

    fn write_document(&mut self, _: &'static Schema, value: &Document) -> Result<(), WriteError> {
        self.value = value.clone();
        Ok(())
    }
}

/// Reads the value it holds.
pub(crate) struct TreeReader<'a>(pub &'a Document);

impl TreeReader<'_> {
    fn wrong<T>(&self, expected: &'static str) -> Result<T, ReadError> {
        Err(ReadError::WrongType { expected, found: format!("{:?}", self.0) })
    }
}

impl ShapeReader for TreeReader<'_> {
    fn read_structure(
        &mut self,
        schema: &'static Schema,
        member: &mut dyn FnMut(usize, &mut dyn ShapeReader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let Document::Map(members) = self.0 else { return self.wrong("structure") };
        for (name, value) in members {
            if let Some(index) = schema.member_index(name) {
                member(index, &mut TreeReader(value))?;
            }
        }
        Ok(())
    }

    fn read_list(
        &mut self,
        _: &'static Schema,
        element: &mut dyn FnMut(&mut dyn ShapeReader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let Document::List(list) = self.0 else { return self.wrong("list") };
        list.iter().try_for_each(|value| element(&mut TreeReader(value)))
    }

    fn read_map(
        &mut self,
        _: &'static Schema,
        entry: &mut dyn FnMut(String, &mut dyn ShapeReader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let Document::Map(map) = self.0 else { return self.wrong("map") };
        map.iter().try_for_each(|(key, value)| entry(key.clone(), &mut TreeReader(value)))
    }

    fn read_string(&mut self, _: &'static Schema) -> Result<String, ReadError> {
        match self.0 {
            Document::String(value) => Ok(value.clone()),
            _ => self.wrong("string"),
        }
    }

    fn read_boolean(&mut self, _: &'static Schema) -> Result<bool, ReadError> {
        match self.0 {
            Document::Boolean(value) => Ok(*value),
            _ => self.wrong("boolean"),
        }
    }

    fn read_integer(&mut self, _: &'static Schema) -> Result<i64, ReadError> {
        match self.0 {
            Document::Integer(value) => Ok(*value),
            _ => self.wrong("integer"),
        }
    }

    fn read_double(&mut self, _: &'static Schema) -> Result<f64, ReadError> {
        match self.0 {
            Document::Double(value) => Ok(*value),
            _ => self.wrong("double"),
        }
    }

    fn read_timestamp(&mut self, _: &'static Schema) -> Result<Timestamp, ReadError> {
        match self.0 {
            Document::Integer(value) => Ok(Timestamp::from_millis(*value)),
            _ => self.wrong("timestamp"),
        }
    }

    fn read_blob(&mut self, _: &'static Schema) -> Result<Vec<u8>, ReadError> {
        let Document::List(bytes) = self.0 else { return self.wrong("blob") };
        bytes
            .iter()
            .map(|byte| match byte {
                Document::Integer(byte) => Ok(*byte as u8),
                _ => self.wrong("byte"),
            })
            .collect()
    }

    fn read_document(&mut self, _: &'static Schema) -> Result<Document, ReadError> {
        Ok(self.0.clone())
    }
}
