import SourceFiles

/// The tree of names: which paths are watched, and where they lead at present.
extension Watcher {
  /// The node of an absolute path, made if need be.
  func insert(_ path: String) -> Int {
    var node = 0
    for component in path.utf8.split(separator: UInt8(ascii: "/")) {
      node = child(String(Substring(component)), of: node)
    }
    return node
  }

  /// The child of a node, made and located if need be.
  func child(_ name: String, of parent: Int) -> Int {
    if let known = nodes[parent]?.children[name] { return known }
    let id = nodes.count
    nodes.append(PathNode(name: name, parent: parent, path: join(nodes[parent]!.path, name)))
    nodes[parent]!.children[name] = id
    locate(id)
    return id
  }

  /// Gives a node more reasons to be watched.
  func add(_ roles: Roles, to id: Int) {
    guard let node = nodes[id], !node.roles.isSuperset(of: roles) else { return }
    nodes[id]!.roles.formUnion(roles)
    locate(id)
    if roles.contains(.tree) { unread.insert(id) }
  }

  /// Takes reasons away, and the node with everything above it that served it alone.
  func drop(_ roles: Roles, from id: Int) {
    guard let node = nodes[id], !node.roles.isDisjoint(with: roles) else { return }
    nodes[id]!.roles.subtract(roles)
    locate(id)
    prune(id)
  }

  private func prune(_ id: Int) {
    var id = id
    while id != 0, let node = nodes[id], node.roles.isEmpty, node.children.isEmpty {
      unregister(id, node.trail)
      nodes[id] = nil
      nodes[node.parent]?.children[node.name] = nil
      id = node.parent
    }
  }

  /// Looks where the node leads now, and where everything below it does.
  func refresh(_ id: Int) {
    locate(id)
    guard let node = nodes[id] else { return }
    if node.roles.contains(.tree) { unread.insert(id) }
    for child in node.children.values { refresh(child) }
  }

  /// Looks where the node leads now, and watches the way.
  ///
  /// Each directory is watched before what it holds is looked at: a change afterwards sends an event.
  private func locate(_ id: Int) {
    guard id != 0, let node = nodes[id] else { return }
    var trail: LinkTrail?
    if let parent = nodes[node.parent]?.directory {
      if !Self.crossroads.contains(parent) { makeSure(of: parent, EventMask.names) }
      var found = LinkTrail(of: node.name, in: parent)
      // A second look only where a link led into a directory that was not watched before; bounded like links.
      for _ in 0..<40 where watchWay(of: node, along: found) {
        let again = LinkTrail(of: node.name, in: parent)
        if again == found { break }
        found = again
      }
      trail = found
    }
    register(id, trail)
    unregister(id, node.trail, except: trail)
    nodes[id]!.trail = trail
  }

  /// Whether a directory on the way had not been watched before.
  private func watchWay(of node: PathNode, along trail: LinkTrail) -> Bool {
    var isNew = false
    for (index, entry) in trail.entries.enumerated() where matters(entry) {
      let isLast = index == trail.entries.count - 1
      let holdsContent = isLast && entry.kind != .directory && !node.roles.isDisjoint(with: [.traced, .pattern])
      isNew = makeSure(of: entry.directory, holdsContent ? EventMask.writes : EventMask.names) || isNew
    }
    if case .directory(let directory) = trail.end {
      if !node.roles.isDisjoint(with: [.tree, .listed]) {
        isNew = makeSure(of: directory, EventMask.saves) || isNew
      }
    }
    return isNew
  }

  /// Directories that everybody uses: their events would wake `nacre` and its workers for nothing. Directories in them
  /// are taken to stay; should one go, its own watch tells, and from then on the name is missing and so watched.
  private static let crossroads: Set<String> = ["/", "/tmp", "/var/tmp"]

  private func matters(_ entry: LinkTrail.Entry) -> Bool {
    entry.kind != .directory || !Self.crossroads.contains(entry.directory)
  }

  private func register(_ id: Int, _ trail: LinkTrail?) {
    guard let trail else { return }
    for entry in trail.entries where matters(entry) {
      directories[entry.directory, default: WatchedDirectory()].names[entry.name, default: []].insert(id)
    }
    if case .directory(let directory) = trail.end, isOccupant(id) {
      directories[directory, default: WatchedDirectory()].occupants.insert(id)
    }
  }

  private func isOccupant(_ id: Int) -> Bool {
    nodes[id].map { !$0.roles.isDisjoint(with: [.listed, .tree]) } ?? false
  }

  private func unregister(_ id: Int, _ old: LinkTrail?, except new: LinkTrail? = nil) {
    guard let old else { return }
    for entry in old.entries where matters(entry) {
      let isKept = new?.entries.contains { $0.directory == entry.directory && $0.name == entry.name && matters($0) }
      if isKept == true { continue }
      directories[entry.directory]?.names[entry.name]?.remove(id)
      if directories[entry.directory]?.names[entry.name]?.isEmpty == true {
        directories[entry.directory]?.names[entry.name] = nil
      }
      vacant.insert(entry.directory)
    }
    if case .directory(let directory) = old.end, new?.end != old.end || !isOccupant(id) {
      directories[directory]?.occupants.remove(id)
      vacant.insert(directory)
    }
  }
}
