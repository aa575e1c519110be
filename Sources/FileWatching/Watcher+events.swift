import CLinux
import Glibc
import ReloadModel
import SourceFiles

/// From events to what they touch.
extension Watcher {
  /// Takes in one event.
  func handle(_ event: InotifyEvent) {
    if event.has(IN_Q_OVERFLOW) {
      findings.everything = true
      steps.append(SaveStep(.upheaval, "/"))
      stale.insert(0)
      return
    }
    // Events of watches that have been given up: the way was looked at again afterwards.
    guard let paths = owners[event.watch] else { return }
    if event.has(IN_IGNORED) {
      owners[event.watch] = nil
      for path in paths {
        directories[path]?.watch = nil
        lose(path)
      }
    } else if !event.name.isEmpty {
      for path in paths { handle(event, in: path) }
    } else if event.isLoss {
      for path in paths {
        lose(path)
        // A directory that was moved away would go on sending events under its old name.
        forgetWatch(of: path)
      }
    } else {
      for path in paths { touchAll(in: path) }  // chmod of the directory itself
    }
  }

  /// Takes in what happened to a name in a real directory.
  func handle(_ event: InotifyEvent, in path: String) {
    guard let directory = directories[path] else { return }
    var isRelevant = false
    if let ids = directory.names[event.name] {
      for id in ids {
        isRelevant = touch(id) || isRelevant
        if event.isStructural || event.isDirectory { stale.insert(id) }
      }
    }
    if EditorLeavings.matches(event.name) {
      if event.isStructural && EditorLeavings.isLock(event.name.utf8) { noteLock(in: directory) }
    } else {
      for id in directory.occupants { isRelevant = occupant(id, sees: event, in: path) || isRelevant }
    }
    if isRelevant { noteStep(event, in: path) }
    if !event.isDirectory { followWriter(event, in: path, isRelevant: isRelevant) }
  }

  /// Looks again at every node that may lead elsewhere, and reads the trees that may hold something new.
  func settle() {
    while !stale.isEmpty || !unread.isEmpty {
      round += 1
      let batch = stale.sorted()
      stale = []
      // Parents have smaller numbers than their children: what lies below one that was refreshed is done.
      var done: Set<Int> = []
      for id in batch where nodes[id] != nil && !liesBelow(done, id) {
        refresh(id)
        done.insert(id)
      }
      readTrees()
    }
    removeVacant()
    takeSnapshots()
  }

  private func liesBelow(_ done: Set<Int>, _ id: Int) -> Bool {
    var id = id
    while true {
      if done.contains(id) { return true }
      if id == 0 { return false }
      id = nodes[id]!.parent
    }
  }

  /// A listed or tree node hears of a name in its directory; whether that matters.
  private func occupant(_ id: Int, sees event: InotifyEvent, in directory: String) -> Bool {
    guard let node = nodes[id] else { return false }
    var isRelevant = false
    let endsWriting = event.has(IN_CLOSE_WRITE) && writers[writer(event, in: directory)] != nil
    if node.roles.contains(.listed) && (event.isStructural || endsWriting) {
      findings.touched.insert(node.path)
      isRelevant = true
    }
    if node.roles.contains(.tree) { isRelevant = tree(id, sees: event, in: directory) || isRelevant }
    return isRelevant
  }

  /// A load may have seen the lock in a listing. It is no step of a save.
  private func noteLock(in directory: WatchedDirectory) {
    for case let node? in directory.occupants.map({ nodes[$0] }) where node.roles.contains(.listed) {
      findings.touched.insert(node.path)
    }
  }

  /// The directory is gone from its place: everything that leads through it is touched and looked at again.
  func lose(_ path: String) {
    guard let directory = directories[path] else { return }
    touchAll(in: path)
    for id in directory.names.values.joined() { if let node = nodes[id] { stale.insert(node.parent) } }
    stale.formUnion(directory.occupants)
  }

  private func touchAll(in path: String) {
    guard let directory = directories[path] else { return }
    steps.append(SaveStep(.upheaval, path))
    for id in directory.names.values.joined() { touch(id) }
    for id in directory.occupants { touch(id) }
  }

  /// Notes that a node is touched, and everything below it; whether that is of any interest.
  @discardableResult
  private func touch(_ id: Int) -> Bool {
    guard let node = nodes[id] else { return false }
    var isRelevant = false
    if node.roles.contains(.traced) {
      findings.touched.insert(node.path)
      isRelevant = true
    }
    if node.roles.contains(.pattern) {
      findings.patternFiles.insert(node.path)
      isRelevant = true
    }
    if node.roles.contains(.tree) {
      let files = patternFiles.below(node.path)
      findings.patternFiles.formUnion(files)
      isRelevant = isRelevant || !files.isEmpty
    }
    for child in node.children.values { isRelevant = touch(child) || isRelevant }
    return isRelevant
  }

  /// What the event means for a save.
  private func noteStep(_ event: InotifyEvent, in directory: String) {
    let path = join(directory, event.name)
    let kind: SaveStep.Kind =
      if event.isDirectory {
        .upheaval
      } else if event.has(IN_MOVED_TO) {
        .arrived
      } else if event.has(IN_CLOSE_WRITE) {
        .closed
      } else if event.has(IN_CREATE) {
        .created
      } else if event.has(IN_MOVED_FROM | IN_DELETE) {
        .gone
      } else {
        .written
      }
    steps.append(SaveStep(kind, path))
  }

  /// Keeps account of who is at work on a relevant file.
  private func followWriter(_ event: InotifyEvent, in directory: String, isRelevant: Bool) {
    guard isRelevant || !writers.isEmpty else { return }
    let writer = writer(event, in: directory)
    if event.has(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE) {
      writers[writer] = nil
    } else if isRelevant, event.has(IN_MODIFY) || (event.has(IN_CREATE) && isBeingWritten(join(directory, event.name)))
    {
      writers[writer] = Self.now()
    }
  }

  private func writer(_ event: InotifyEvent, in directory: String) -> LinkTrail.Entry {
    LinkTrail.Entry(directory: directory, name: event.name, kind: .file)
  }

  /// A link or a further name of a file is complete when it is created; an ordinary file has yet to be written.
  private func isBeingWritten(_ path: String) -> Bool {
    guard case .success(let status) = FileStatus.status(ofLink: path) else { return false }
    return status.isFile && status.links == 1
  }
}
