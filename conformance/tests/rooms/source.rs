//! The files of a crate, read as Rust.

use std::collections::BTreeMap;
use std::path::Path;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// The files of a crate without its tests. A file is named by its module: `judge/receive`, be it
/// `judge/receive.rs` or `judge/receive/mod.rs`.
pub(crate) struct Tree(BTreeMap<String, Source>);

struct Source {
    text: String,
    syntax: syn::File,
}

impl Tree {
    pub(crate) fn read(root: &Path) -> Tree {
        let mut files = BTreeMap::new();
        read_folder(root, "", &mut files);
        let is_test = |name: &String| name.ends_with("_tests") || name.ends_with("/tests");
        files.retain(|name, _| !is_test(name));
        Tree(files)
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(crate) fn syntax(&self, file: &str) -> Option<&syn::File> {
        self.0.get(file).map(|source| &source.syntax)
    }

    /// How many lines a file has.
    pub(crate) fn lines(&self, file: &str) -> usize {
        self.0.get(file).map_or(0, |source| source.text.lines().count())
    }

    /// The functions of a file with their lengths in lines, from the signature to the closing brace.
    pub(crate) fn functions(&self, file: &str) -> Vec<(String, usize)> {
        let mut lengths = Lengths(Vec::new());
        self.0.get(file).iter().for_each(|source| lengths.visit_file(&source.syntax));
        lengths.0
    }

    /// How many fields the struct of this name has; none where there is no such struct.
    pub(crate) fn fields(&self, name: &str) -> usize {
        let items = self.0.values().flat_map(|source| &source.syntax.items);
        let structs = items.filter_map(|item| match item {
            syn::Item::Struct(item) if item.ident == name => Some(item.fields.len()),
            _ => None,
        });
        structs.max().unwrap_or(0)
    }
}

fn read_folder(folder: &Path, module: &str, files: &mut BTreeMap<String, Source>) {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for path in entries.map(|entry| entry.expect("a folder can be listed").path()) {
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let joined = if module.is_empty() { name.clone() } else { format!("{module}/{name}") };
        if path.is_dir() {
            read_folder(&path, &joined, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("a source is text");
            let syntax = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let file = if name == "mod" { module.to_owned() } else { joined };
            files.insert(file, Source { text, syntax });
        }
    }
}

/// Whether an item is compiled for tests only.
pub(crate) fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    let is_test = |attribute: &syn::Attribute| match &attribute.meta {
        syn::Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        syn::Meta::Path(path) => path.is_ident("test"),
        syn::Meta::NameValue(_) => false,
    };
    attributes.iter().any(is_test)
}

struct Lengths(Vec<(String, usize)>);

impl Lengths {
    fn add(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let (start, end) = (signature.span().start().line, block.span().end().line);
        self.0.push((signature.ident.to_string(), end + 1 - start));
    }
}

impl<'ast> Visit<'ast> for Lengths {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_for_tests(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.add(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.add(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }
}
