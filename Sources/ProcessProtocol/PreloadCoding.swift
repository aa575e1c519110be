import ReloadModel

extension WireWriter {
  /// Directories and `@INC`s as numbers in tables: the file is the directory, a slash and the key.
  mutating func write(_ order: PreloadOrder) {
    var surroundings: [PreloadOrder.Surroundings] = []
    var directories: [String] = []
    func number<T: Equatable>(_ value: T, in table: inout [T]) -> UInt16 {
      // The last is mostly the one that is wanted.
      if let index = table.lastIndex(of: value) { return UInt16(clamping: index) }
      table.append(value)
      return UInt16(clamping: table.count - 1)
    }
    let files = order.files.map {
      ($0.key, number($0.directory, in: &directories), number($0.surroundings, in: &surroundings), $0.rank, $0.company)
    }
    write(each: surroundings) { $0.write($1) }
    write(each: directories) { $0.write($1) }
    write(each: files) {
      $0.write($1.0)
      $0.write($1.1)
      $0.write($1.2)
      $0.write($1.3)
      $0.write($1.4)
    }
  }

  mutating func write(_ surroundings: PreloadOrder.Surroundings) {
    write(surroundings.includes != nil)
    write(each: surroundings.includes ?? []) { $0.write($1) }
    write(each: surroundings.environment.sorted { $0.key < $1.key }) {
      $0.write($1.key)
      $0.write($1.value != nil)
      $0.write($1.value ?? "")
    }
  }

  mutating func write(_ objection: PreloadObjection) {
    write(objection.key)
    switch objection.reason {
    case .changed(let what):
      write(0 as UInt8)
      write(what)
    case .early(let other):
      write(1 as UInt8)
      write(other)
    case .unasked:
      write(2 as UInt8)
    case .elsewhere(let file):
      write(3 as UInt8)
      write(file ?? "")
    case .failed(let message):
      write(4 as UInt8)
      write(message)
    case .company:
      write(5 as UInt8)
    }
  }
}

extension WireReader {
  mutating func readOrder() throws -> PreloadOrder {
    let surroundings = try readEach { try $0.readSurroundings() }
    let directories = try readEach { try $0.readString() }
    return PreloadOrder(
      files: try readEach { reader in
        let (key, directory) = (try reader.readString(), Int(try reader.read(UInt16.self)))
        let list = Int(try reader.read(UInt16.self))
        guard directories.indices.contains(directory), surroundings.indices.contains(list) else {
          throw WireError("a number of a directory")
        }
        return PreloadOrder.File(
          key: key, directory: directories[directory], surroundings: surroundings[list], rank: try reader.read(),
          company: try reader.read())
      })
  }

  mutating func readSurroundings() throws -> PreloadOrder.Surroundings {
    let isKnown = try readBool()
    let includes = try readEach { try $0.readString() }
    var surroundings = PreloadOrder.Surroundings(includes: isKnown ? includes : nil)
    for (name, value) in try readEach({ reader in
      let (name, isSet, value) = (try reader.readString(), try reader.readBool(), try reader.readString())
      return (name, isSet ? value : nil)
    }) { surroundings.environment[name] = .some(value) }
    return surroundings
  }

  mutating func readObjection() throws -> PreloadObjection {
    let key = try readString()
    let reason: PreloadObjection.Reason
    switch try read(UInt8.self) {
    case 0: reason = .changed(try readString())
    case 1: reason = .early(try readString())
    case 2: reason = .unasked
    case 3:
      let file = try readString()
      reason = .elsewhere(file.isEmpty ? nil : file)
    case 4: reason = .failed(try readString())
    case 5: reason = .company
    case let other: throw WireError("an objection, not \(other)")
    }
    return PreloadObjection(key: key, reason: reason)
  }
}
