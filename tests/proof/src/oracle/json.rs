//! Just enough of RFC 8259, by its grammar.

/// The one member of an object with this name, if the text is an object and the member a string
pub(super) fn member(body: &[u8], name: &str) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let mut reader = Reader { rest: text };
    reader.space();
    if !reader.rest.starts_with('{') {
        return None;
    }
    let Value::Object(members) = reader.value()? else {
        return None;
    };
    reader.space();
    if !reader.rest.is_empty() {
        return None;
    }
    let mut named = members.into_iter().filter(|(key, _)| key == name);
    match (named.next(), named.next()) {
        (Some((_, Value::Text(text))), None) => Some(text),
        _ => None,
    }
}

enum Value {
    Object(Vec<(String, Self)>),
    Other,
    Text(String),
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn eat(&mut self, token: &str) -> Option<()> {
        self.space();
        self.rest = self.rest.strip_prefix(token)?;
        Some(())
    }

    fn value(&mut self) -> Option<Value> {
        self.space();
        match self.rest.chars().next()? {
            '{' => self.object(),
            '[' => self.array(),
            '"' => self.text().map(Value::Text),
            '-' | '0'..='9' => self.number(),
            _ => {
                let words = ["true", "false", "null"];
                let word = words.into_iter().find(|word| self.rest.starts_with(word))?;
                self.eat(word)?;
                Some(Value::Other)
            }
        }
    }

    fn object(&mut self) -> Option<Value> {
        self.eat("{")?;
        let mut members = Vec::new();
        if self.eat("}").is_some() {
            return Some(Value::Object(members));
        }
        loop {
            self.space();
            let name = self.text()?;
            self.eat(":")?;
            members.push((name, self.value()?));
            if self.eat("}").is_some() {
                return Some(Value::Object(members));
            }
            self.eat(",")?;
        }
    }

    fn array(&mut self) -> Option<Value> {
        self.eat("[")?;
        if self.eat("]").is_some() {
            return Some(Value::Other);
        }
        loop {
            self.value()?;
            if self.eat("]").is_some() {
                return Some(Value::Other);
            }
            self.eat(",")?;
        }
    }

    /// Whole numbers are all that the worlds have
    fn number(&mut self) -> Option<Value> {
        let digits = self.rest.trim_start_matches('-');
        let rest = digits.trim_start_matches(|c: char| c.is_ascii_digit());
        let number = &digits[..digits.len() - rest.len()];
        if number.is_empty() || (number.len() > 1 && number.starts_with('0')) {
            return None;
        }
        self.rest = rest;
        Some(Value::Other)
    }

    fn text(&mut self) -> Option<String> {
        self.rest = self.rest.strip_prefix('"')?;
        let mut text = String::new();
        loop {
            let next = self.rest.chars().next()?;
            self.rest = &self.rest[next.len_utf8()..];
            match next {
                '"' => return Some(text),
                '\\' => text.push(self.escape()?),
                '\0'..='\x1f' => return None,
                plain => text.push(plain),
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        let kind = self.rest.chars().next()?;
        self.rest = &self.rest[kind.len_utf8()..];
        Some(match kind {
            '"' | '\\' | '/' => kind,
            'b' => '\x08',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let digits = self.rest.get(..4)?;
                self.rest = &self.rest[4..];
                char::from_u32(u32::from_str_radix(digits, 16).ok()?)?
            }
            _ => return None,
        })
    }
}
