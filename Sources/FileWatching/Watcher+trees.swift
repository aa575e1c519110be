import ReloadModel
import SourceFiles

/// The directories that are watched with everything below them, for pattern files.
extension Watcher {
  /// Directories that hold no templates or configuration of the application, and many files.
  private static let skipped: Set<String> = [
    ".git", ".hg", ".svn", ".bzr", "CVS", "_darcs", "node_modules", "blib", "cover_db", ".build", ".cpan", ".cpanm",
    ".carmel", ".cache", "nytprof",
  ]
  /// Starts all trees anew.
  func plantTrees() {
    for id in nodes.indices { drop([.tree, .pattern], from: id) }
    patternFiles.forget()
    incompleteReason = nil
    for root in Set(roots).sorted() where root.utf8.first == UInt8(ascii: "/") { add(.tree, to: insert(root)) }
    isFirstReading = true
    settle()
    isFirstReading = false
  }

  /// Reads the directories that are waiting for it, and those found in them.
  func readTrees() {
    while let id = unread.popFirst() {
      guard let node = nodes[id], node.roles.contains(.tree) else { continue }
      guard let directory = node.directory else {
        uproot(id)
        continue
      }
      read(id, directory)
    }
  }

  /// A tree node hears of a name in its directory; whether that matters.
  func tree(_ id: Int, sees event: InotifyEvent, in directory: String) -> Bool {
    guard let node = nodes[id] else { return false }
    let path = join(node.path, event.name)
    if event.isDirectory {
      guard event.isStructural, !isSkipped(event.name, path) else { return false }
      unread.insert(id)
      let files = patternFiles.below(path)
      findings.patternFiles.formUnion(files)
      return !files.isEmpty
    }
    if event.isStructural, traced[path] == nil,
      case .success(let status) = FileStatus.status(ofLink: join(directory, event.name)), status.isLink
    {
      unread.insert(id)
    }
    guard !compared.contains(path), patterns.matches(path) else { return false }
    findings.patternFiles.insert(path)
    return true
  }

  private func read(_ id: Int, _ directory: String) {
    guard let node = nodes[id], let entries = entries(in: directory) else { return }
    for entry in entries {
      let path = join(node.path, entry.name)
      switch entry.kind {
      case .directory:
        if !isSkipped(entry.name, path) { plant(entry.name, in: id) }
      case .link: followLink(entry.name, path, in: id)
      case .file, .missing: if patterns.matches(path) { found(path) }
      }
    }
    let names = Set(entries.map(\.name))
    for (name, child) in node.children where !names.contains(name) { uproot(child) }
  }

  private func isSkipped(_ name: String, _ path: String) -> Bool {
    Self.skipped.contains(name) || patterns.ignores(path)
  }

  private func plant(_ name: String, in parent: Int) {
    guard directories.count < mostTreeDirectories else {
      let place = nodes[parent]?.path ?? ""
      incompleteReason =
        incompleteReason ?? "more than \(mostTreeDirectories) directories are to be searched for templates and "
        + "configuration, so those in \(place) are not watched: leave some out with --ignore"
      return
    }
    // One that is a tree already is read again when events say so.
    add(.tree, to: child(name, of: parent))
  }

  /// A link to a pattern file is watched with its target; a link to a directory is a tree of its own, unless that is
  /// watched already or holds a root (the link leads in a circle).
  private func followLink(_ name: String, _ path: String, in parent: Int) {
    let isMatch = patterns.matches(path)
    guard let directory = nodes[parent]?.directory else { return }
    switch LinkTrail(of: name, in: directory).end {
    case .directory(let target):
      let isTaken = directories[target]?.occupants.contains { nodes[$0]?.roles.contains(.tree) == true } ?? false
      let isOwn = nodes[parent]?.children[name].map { nodes[$0]?.roles.contains(.tree) == true } ?? false
      let holdsRoot = roots.contains { WatchRules.contains(target, realPath(of: $0) ?? $0) }
      if isOwn || (!isTaken && !holdsRoot && !isSkipped(name, path)) { plant(name, in: parent) }
    case .file, .missing:
      guard isMatch else { return }
      add(.pattern, to: child(name, of: parent))
      found(path)
    }
  }

  private func found(_ path: String) {
    if patternFiles.contains(path) || compared.contains(path) { return }
    if path.unicodeScalars.contains("\u{FFFD}") {
      incompleteReason = incompleteReason ?? "the name of \(path) is not UTF-8, so nacre does not see it change"
    }
    if isFirstReading {
      patternFiles.remember(path)
    } else {
      findings.patternFiles.insert(path)
    }
  }

  /// The directory is gone, and with it the trees in it; roots are kept, they may come back.
  private func uproot(_ id: Int) {
    guard let node = nodes[id] else { return }
    for child in node.children.values { uproot(child) }
    if !roots.contains(node.path) { drop([.tree, .pattern], from: id) }
  }
}
