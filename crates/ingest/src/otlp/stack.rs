//! Stack traces as the SDKs of several languages print them, taken apart into frames and linked
//! exceptions. A line that is not understood is passed over; nothing here fails.

/// One exception of a printed trace: the first is the event's own, each next one caused it.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Trace {
    pub kind: String,
    pub message: String,
    pub frames: Vec<Frame>,
}

#[derive(Debug, Default, PartialEq)]
pub(super) struct Frame {
    pub path: String,
    pub line: u32,
    pub label: String,
}

/// Parses `text` as the SDK of `language` prints it; empty for a language that is not known.
pub(super) fn parse(language: &str, text: &str) -> Vec<Trace> {
    match language {
        "java" | "php" => java(text),
        "python" => python(text),
        "nodejs" | "javascript" | "webjs" => {
            vec![Trace { frames: text.lines().filter_map(javascript_frame).collect(), ..Trace::default() }]
        }
        "dotnet" => dotnet(text),
        "go" => vec![Trace { frames: go(text), ..Trace::default() }],
        _ => Vec::new(),
    }
}

fn java(text: &str) -> Vec<Trace> {
    let mut traces = vec![Trace::default()];
    for line in text.lines().skip(1) {
        let line = line.trim_start();
        if let Some(cause) = line.strip_prefix("Caused by: ") {
            traces.push(headed(cause));
        } else if let (Some(frame), Some(trace)) =
            (line.strip_prefix("at ").and_then(java_frame), traces.last_mut())
        {
            trace.frames.push(frame);
        }
    }
    traces
}

/// `module/pkg.Class.fn(File.java:12)`
fn java_frame(text: &str) -> Option<Frame> {
    let (label, place) = text.trim_end().strip_suffix(')')?.rsplit_once('(')?;
    let label = label.rsplit_once('/').map_or(label, |(_, label)| label);
    let (path, line) = place.rsplit_once(':').unwrap_or((place, "0"));
    Some(Frame { path: path.to_owned(), line: line.parse().unwrap_or(0), label: label.to_owned() })
}

/// Python prints the newest call last and the cause first, so both are turned around.
fn python(text: &str) -> Vec<Trace> {
    let mut traces = Vec::new();
    let mut trace = Trace::default();
    for line in text.lines() {
        if line.starts_with("During handling of the above exception")
            || line.starts_with("The above exception was the direct cause")
        {
            traces.push(std::mem::take(&mut trace));
        } else if let Some(frame) = python_frame(line) {
            trace.frames.push(frame);
        } else if trace.kind.is_empty() && is_python_heading(line) {
            let frames = std::mem::take(&mut trace.frames);
            trace = Trace { frames, ..headed(line) };
        }
    }
    traces.push(trace);
    traces.reverse();
    for trace in &mut traces {
        trace.frames.reverse();
    }
    traces
}

/// `Type: message` behind the frames.
fn is_python_heading(line: &str) -> bool {
    !line.is_empty() && !line.starts_with([' ', '\t']) && !line.starts_with("Traceback")
}

/// `  File "f", line n, in fn`
fn python_frame(line: &str) -> Option<Frame> {
    let (path, rest) = line.trim_start().strip_prefix("File \"")?.split_once("\", line ")?;
    let (number, label) = rest.split_once(", in ").unwrap_or((rest, ""));
    Some(Frame {
        path: path.to_owned(),
        line: number.trim().parse().unwrap_or(0),
        label: label.trim().to_owned(),
    })
}

/// `    at fn (file:line:col)` or `    at file:line:col`
fn javascript_frame(line: &str) -> Option<Frame> {
    let text = line.trim().strip_prefix("at ")?;
    let (label, place) = match text.strip_suffix(')').and_then(|t| t.rsplit_once(" (")) {
        Some((label, place)) => (label, place),
        None => ("", text),
    };
    let (place, _column) = place.rsplit_once(':').unwrap_or((place, ""));
    let (path, line) = place.rsplit_once(':').unwrap_or((place, "0"));
    Some(Frame { path: path.to_owned(), line: line.parse().unwrap_or(0), label: label.to_owned() })
}

fn dotnet(text: &str) -> Vec<Trace> {
    let frame = |line: &str| {
        let text = line.trim().strip_prefix("at ")?;
        let (label, place) = text.split_once(" in ").unwrap_or((text, ""));
        let (path, number) = place.rsplit_once(":line ").unwrap_or((place, "0"));
        Some(Frame { path: path.to_owned(), line: number.parse().unwrap_or(0), label: label.to_owned() })
    };
    vec![Trace { frames: text.lines().filter_map(frame).collect(), ..Trace::default() }]
}

/// A function on one line, `\tfile:line +0x…` on the next.
fn go(text: &str) -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut label = "";
    for line in text.lines() {
        if let Some(place) = line.strip_prefix('\t') {
            let place = place.split(" +0x").next().unwrap_or(place);
            let (path, number) = place.rsplit_once(':').unwrap_or((place, "0"));
            frames.push(Frame {
                path: path.to_owned(),
                line: number.trim().parse().unwrap_or(0),
                label: label.to_owned(),
            });
        } else {
            label = line.rsplit_once('(').map_or(line, |(function, _)| function);
        }
    }
    frames
}

/// `Type: message`
fn headed(text: &str) -> Trace {
    let (kind, message) = text.split_once(": ").unwrap_or((text, ""));
    Trace { kind: kind.trim_end_matches(':').to_owned(), message: message.to_owned(), frames: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(path: &str, line: u32, label: &str) -> Frame {
        Frame { path: path.to_owned(), line, label: label.to_owned() }
    }

    #[test]
    fn java_traces_with_a_cause() {
        let text = "java.lang.IllegalStateException: state is not legal\n\tat io.x/a.B.c(B.java:12)\n\tat a.B.d(Native Method)\nCaused by: java.io.IOException: gone\n\tat e.F.g(F.java:3)\n\t... 44 more\n";
        let traces = parse("java", text);
        assert_eq!(traces[0].frames, [frame("B.java", 12, "a.B.c"), frame("Native Method", 0, "a.B.d")]);
        assert_eq!(
            traces[1],
            Trace {
                kind: "java.io.IOException".into(),
                message: "gone".into(),
                frames: vec![frame("F.java", 3, "e.F.g")]
            }
        );
    }

    #[test]
    fn python_traces_are_read_from_the_bottom() {
        let text = "Traceback (most recent call last):\n  File \"main.py\", line 14, in greet\n    raise KeyError(1)\nKeyError: 1\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"main.py\", line 20, in <module>\n    run()\n  File \"main.py\", line 7, in run\n    x\nValueError: bad\n";
        let traces = parse("python", text);
        assert_eq!(traces[0].frames, [frame("main.py", 7, "run"), frame("main.py", 20, "<module>")]);
        assert_eq!((traces[1].kind.as_str(), traces[1].message.as_str()), ("KeyError", "1"));
        assert_eq!(traces[1].frames, [frame("main.py", 14, "greet")]);
    }

    #[test]
    fn other_languages() {
        let js = parse("nodejs", "TypeError: x\n    at fn (/a/b.js:3:9)\n    at node:internal/x:77:1\n");
        assert_eq!(js[0].frames, [frame("/a/b.js", 3, "fn"), frame("node:internal/x", 77, "")]);
        let net =
            parse("dotnet", "System.Exception: x\n   at A.B(String c) in /s/A.cs:line 24\n   at C.D()\n");
        assert_eq!(net[0].frames, [frame("/s/A.cs", 24, "A.B(String c)"), frame("", 0, "C.D()")]);
        let go = parse("go", "goroutine 1 [running]:\nmain.f(0x1)\n\t/s/main.go:9 +0x1d\n");
        assert_eq!(go[0].frames, [frame("/s/main.go", 9, "main.f")]);
        assert_eq!(parse("cobol", "x"), []);
    }
}
