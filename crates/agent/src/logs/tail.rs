//! One log, followed from file to file as it is rotated. Plain blocking reads; nothing here waits.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::Timestamp;

use super::assemble::{Assembler, Piece};
use super::state::{FileIdentity, FileState, StateFile, head_hash};
use super::{Event, Rules};
use crate::config::FileConfig;

/// Bytes read at once.
const CHUNK: usize = 256 * 1024;
/// Compressed and packed files are never read.
const PACKED: [&str; 6] = [".tar", ".zst", ".gz", ".zip", ".bz2", ".rar"];

/// An event with what is confirmed when it is sent.
#[derive(Debug, Clone)]
pub(crate) struct Read {
    pub(crate) event: Option<Event>,
    /// The state to keep once this and everything before was sent.
    pub(crate) mark: Mark,
}

/// A place in a file.
#[derive(Debug, Clone)]
pub(crate) struct Mark {
    file: Arc<OpenFile>,
    end: u64,
    last_ts: Option<i64>,
}

#[derive(Debug)]
struct OpenFile {
    file: File,
    path: PathBuf,
    dev: u64,
    ino: u64,
}

/// One rotating log.
pub(crate) struct Tail {
    /// A path or a glob.
    pattern: String,
    rules: Rules,
    from_beginning: bool,
    state: StateFile,
    current: Option<Current>,
    /// Whether the state of an earlier run was looked at.
    resumed: bool,
    pub(crate) rotations: u64,
}

struct Current {
    open: Arc<OpenFile>,
    position: u64,
    assembler: Assembler,
}

impl Tail {
    pub(crate) fn new(config: &FileConfig, pattern: String, rules: Rules, state: StateFile) -> Self {
        Self {
            pattern,
            rules,
            from_beginning: config.from_beginning,
            state,
            current: None,
            resumed: false,
            rotations: 0,
        }
    }

    /// What is new. Empty means that there is nothing now.
    pub(crate) fn poll(&mut self, now: Timestamp) -> io::Result<Vec<Read>> {
        if self.current.is_none() {
            self.open_first(now)?;
        }
        let Some(current) = &mut self.current else { return Ok(Vec::new()) };
        let mut buffer = vec![0; CHUNK];
        let count = current.open.file.read_at(&mut buffer, current.position)?;
        if count > 0 {
            current.position += count as u64;
            let pieces = current.assembler.feed(&buffer[..count], &self.rules, now);
            return Ok(current.marked(pieces));
        }
        // At the end: the file may have been emptied, or another may have taken its place.
        if current.open.file.metadata()?.len() < current.position {
            let pieces = current.assembler.finish(&self.rules, now);
            let reads = current.marked(pieces);
            let last_ts = current.assembler.last_timestamp();
            (current.position, current.assembler) = (0, Assembler::new(0, last_ts, now));
            self.rotations += 1;
            return Ok(reads);
        }
        let newest = newest_match(&self.pattern, &self.rules);
        if let Some(next) = newest.filter(|path| !is_same(path, &current.open))
            && let Ok(file) = File::open(&next)
        {
            // What was written between the read and the rotation comes first.
            if current.open.file.metadata()?.len() > current.position {
                return self.poll(now);
            }
            let pieces = current.assembler.finish(&self.rules, now);
            let reads = current.marked(pieces);
            let last_ts = current.assembler.last_timestamp();
            self.current = Some(Current::new(file, next, 0, last_ts, now)?);
            self.rotations += 1;
            return Ok(reads);
        }
        let pieces = current.assembler.idle(&self.rules, now);
        Ok(current.marked(pieces))
    }

    /// Everything that waits for more to come, because the agent stops or the file is complete.
    pub(crate) fn finish(&mut self, now: Timestamp) -> Vec<Read> {
        let Some(current) = &mut self.current else { return Vec::new() };
        let pieces = current.assembler.finish(&self.rules, now);
        current.marked(pieces)
    }

    /// Keeps that everything up to `mark` was sent.
    pub(crate) fn confirm(&self, mark: &Mark) -> io::Result<()> {
        let identity = FileIdentity::of(&mark.file.file)?;
        self.state.store(&FileState::new(&mark.file.path, identity, mark.end, mark.last_ts))
    }

    /// Finds where to begin: where an earlier run ended, or at an end of the newest match.
    fn open_first(&mut self, now: Timestamp) -> io::Result<()> {
        let state = if self.resumed { None } else { self.state.load() };
        if let Some(state) = state
            && let Some((file, path)) = find_again(&state)
        {
            let goes_on = state.continues(&file)?;
            // Emptied and written anew, or the inode is another file's now: from the beginning.
            let position = if goes_on { state.acked } else { 0 };
            if !goes_on {
                self.rotations += 1;
            }
            self.current = Some(Current::new(file, path, position, state.last_ts, now)?);
            self.resumed = true;
            return Ok(());
        }
        let Some(path) = newest_match(&self.pattern, &self.rules) else { return Ok(()) };
        let file = File::open(&path)?;
        // Only a log that is new to us can be joined at its end.
        let is_new = !self.resumed && self.state.load().is_none();
        let position = if is_new && !self.from_beginning { file.metadata()?.len() } else { 0 };
        self.current = Some(Current::new(file, path, position, None, now)?);
        self.resumed = true;
        Ok(())
    }
}

impl Current {
    fn new(
        file: File,
        path: PathBuf,
        position: u64,
        last_ts: Option<i64>,
        now: Timestamp,
    ) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let open = Arc::new(OpenFile { dev: metadata.dev(), ino: metadata.ino(), file, path });
        Ok(Self { open, position, assembler: Assembler::new(position, last_ts, now) })
    }

    fn marked(&self, pieces: Vec<Piece>) -> Vec<Read> {
        let last_ts = self.assembler.last_timestamp();
        let read = |piece: Piece| Read {
            event: piece.event,
            mark: Mark { file: self.open.clone(), end: piece.end, last_ts },
        };
        pieces.into_iter().map(read).collect()
    }
}

fn is_same(path: &Path, open: &OpenFile) -> bool {
    path.metadata().is_ok_and(|metadata| (metadata.dev(), metadata.ino()) == (open.dev, open.ino))
}

/// The file of a state: under its path, or under another name in the same folder after a rotation. The same
/// path with another inode is not it, unless the old file is nowhere.
fn find_again(state: &FileState) -> Option<(File, PathBuf)> {
    let is_it = |path: &Path| {
        path.metadata().is_ok_and(|metadata| (metadata.dev(), metadata.ino()) == (state.dev, state.ino))
    };
    let mut candidates = vec![state.path.clone()];
    if let Some(entries) = state.path.parent().and_then(|folder| std::fs::read_dir(folder).ok()) {
        candidates.extend(entries.flatten().map(|entry| entry.path()));
    }
    let found = candidates.into_iter().find(|path| is_it(path))?;
    let file = File::open(&found).ok()?;
    // A renamed file must be proven by its beginning; the inode may have been given to another.
    if found != state.path {
        let proven = head_hash(&file, state.head_len).is_ok_and(|hash| hash == state.head_sha256);
        return proven.then_some((file, found));
    }
    Some((file, found))
}

/// The file of this pattern that was changed last.
pub(crate) fn newest_match(pattern: &str, rules: &Rules) -> Option<PathBuf> {
    matches(pattern, rules).into_iter().max_by_key(|path| {
        let modified = path.metadata().and_then(|metadata| metadata.modified()).ok();
        (modified, path.clone())
    })
}

/// Files of this pattern that may be read, in name order.
pub(crate) fn matches(pattern: &str, rules: &Rules) -> Vec<PathBuf> {
    let Ok(paths) = glob::glob(pattern) else { return Vec::new() };
    let is_wanted = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        path.is_file()
            && !PACKED.iter().any(|ending| name.ends_with(ending))
            && !rules.blacklist.as_ref().is_some_and(|blacklist| blacklist.is_match(&name))
    };
    paths.flatten().filter(is_wanted).collect()
}
