/// Makes up an application and what happens to it. Pure: the seed decides everything.
struct StoryWriter {
  var dice: Dice
  var world = World()
  /// Where the application came from, the latest last.
  private var history: [World] = []
  /// The last number that was given to something.
  private(set) var last = 0

  /// Whether it is played with `--preload`, and whether it has classes of Moo.
  let preloads: Bool
  let usesMoo: Bool
  /// The module that somebody works on most.
  private(set) var favourite = ""

  init(seed: UInt64) {
    dice = Dice(seed: seed)
    preloads = seed % 5 == 0
    usesMoo = [0, 6, 8, 9].contains(seed % 10)
    begin()
  }

  mutating func number() -> Int {
    last += 1
    return last
  }

  // MARK: The first state

  private mutating func begin() {
    for number in 1...2 {
      world.plain[number] = 1
      world.confs[number] = 1
      world.data[number] = 1
      if dice.chance(50) { world.flags.insert(number) }
    }
    if preloads { addLibraries() }
    for (prefix, count, isOptional) in [
      ("A::R0", 2, false), ("A::O", 3, true), ("A::L", 3, false), ("A::Plugin::P", 3, true),
    ] {
      for index in 1...count {
        add("\(prefix)\(index)", rank: 1000 + index, features: dice.below(2))
        if isOptional && dice.chance(40) { world.absent.insert("\(prefix)\(index)") }
      }
    }
    add("A::E1", directory: "more", rank: 1000, features: 1)
    let count = 4 + dice.below(8)
    for rank in (1...count).reversed() { add("A::M\(rank)", rank: rank, features: 1 + dice.below(6)) }
    for _ in 0..<dice.below(3) { addFeature(to: "A::M\(1 + dice.below(count))") }
    if count > 4, dice.chance(30) { addFeature(to: "A::M\(count)", kind: .circular) }
    world.roots = ["A::M1"]
    for module in world.main where module.rank > 1 {
      let isUsed = world.modules.values.contains { $0.features.contains { $0.target == module.package } }
      if !isUsed || dice.chance(15) { world.roots.append(module.package) }
    }
    if preloads { useLibraries(count) }
  }

  private mutating func addLibraries() {
    for number in 1...Library.count {
      var library = Library(number: number, looks: [], value: dice.below(1000))
      for _ in 0...(1 + dice.below(3)) {
        let look = dice.pick(Library.Look.allCases)!
        if !library.looks.contains(look) { library.looks.append(look) }
      }
      library.uses = Array((number..<Library.count).map { $0 + 1 }.filter { _ in dice.chance(25) })
      world.libraries.append(library)
    }
  }

  /// Most libraries are used from the beginning, and little is told before that, so that they can be loaded first.
  private mutating func useLibraries(_ count: Int) {
    for library in world.libraries where dice.chance(80) {
      let package = "A::M\(1 + dice.below(count))"
      addFeature(to: package, kind: .librarian)
      let last = world.modules[package]!.features.count - 1
      world.modules[package]!.features[last].other = library.number
    }
    favourite = "A::M\(1 + dice.below(count))"
  }

  private mutating func add(_ package: String, directory: String = "lib", rank: Int, features: Int) {
    var module = Module(package: package, rank: rank, directory: directory, version: 1, features: [])
    module.isLarge = dice.chance(12)
    world.modules[package] = module
    for _ in 0..<features { addFeature(to: package) }
  }

  // MARK: What happens

  /// What an edit may be.
  enum Plot: String {
    case change, feature, otherFile, touch, sameAgain, appear, vanish, delete, rename, shadow, breaks, repair, revert
    case several, whileLoading, application, directory, grow, tell
  }

  /// Writes the next edit.
  mutating func next() -> Edit {
    let before = world
    let files = before.files()
    let rests = preloads && dice.chance(20)
    var plot = dice.pick(weighted: preloads ? Self.plots + [(25, .change), (25, .tell)] : Self.plots)
    if world.isHurt, dice.chance(65) { plot = dice.chance(75) ? .repair : .revert }
    var edit = Edit(name: plot.rawValue, deeds: [])
    switch plot {
    case .touch: edit.deeds = dice.pick(files.keys.sorted()).map { [.touch($0)] } ?? []
    case .sameAgain:
      if let path = dice.pick(files.keys.sorted()) { edit.deeds = [.save(path, text: files[path]!, saving())] }
    case .several:
      for _ in 0...(1 + dice.below(4)) { happens(dice.pick(weighted: Self.single)) }
      edit.deeds = deeds(from: before)
    case .whileLoading:
      happens(dice.pick(weighted: Self.single))
      edit.deeds = deeds(from: before)
      let between = world
      happens(dice.pick(weighted: Self.single))
      edit.then = deeds(from: between)
      edit.pause = dice.below(25_000)
    case .revert: world = dice.pick(history) ?? world; edit.deeds = deeds(from: before)
    default: happens(plot); edit.deeds = deeds(from: before)
    }
    edit.rests = rests
    if dice.chance(15) { edit.lazyRequests = 1 + dice.below(3) }
    history.append(before)
    if history.count > 5 { history.removeFirst() }
    return edit
  }

  private static let single: [(Int, Plot)] = [
    (30, .change), (9, .feature), (8, .otherFile), (6, .appear), (6, .vanish), (2, .delete), (3, .rename), (7, .shadow),
    (4, .breaks), (3, .application), (1, .directory), (3, .grow),
  ]
  private static let plots: [(Int, Plot)] =
    single + [(3, .breaks), (4, .touch), (2, .sameAgain), (6, .revert), (7, .several), (7, .whileLoading)]

  private mutating func happens(_ plot: Plot) {
    switch plot {
    case .change: change()
    case .feature: changeFeatures()
    case .otherFile: changeOtherFile()
    case .appear: appear()
    case .vanish: vanish()
    case .delete: if let module = dice.pick(world.main) { world.missing.insert(module.package) }
    case .rename: rename()
    case .shadow: shadow()
    case .breaks:
      let sources = world.files().keys.filter { $0.hasSuffix(".pm") || $0.hasSuffix(".pl") || $0.hasSuffix(".psgi") }
      if let path = dice.pick(sources.sorted()) { world.faults[path] = dice.pick(Fault.allCases) }
    case .repair:
      world.faults = [:]
      world.missing = []
      world.pluginsAreAway = false
    case .application: world.application = number()
    case .directory: world.pluginsAreAway.toggle()
    case .grow: grow()
    case .tell: tell()
    case .touch, .sameAgain, .revert, .several, .whileLoading: break
    }
  }

  // MARK: From one state to the next on the disk

  private mutating func saving() -> Saving { dice.pick(Saving.allCases)! }

  /// What somebody does who brings the files from `old` to what they are to be.
  private mutating func deeds(from old: World) -> [Deed] {
    var deeds: [Deed] = []
    var (before, after) = (old.files(), world.files())
    if old.pluginsAreAway != world.pluginsAreAway {
      let names = world.pluginsAreAway ? (World.plugins, World.pluginsAway) : (World.pluginsAway, World.plugins)
      deeds.append(.rename(names.0, to: names.1))
      for (path, text) in before where path.hasPrefix(names.0 + "/") {
        before[path] = nil
        before[path.replacing(names.0, with: names.1)] = text
      }
    }
    var gone = before.keys.filter { after[$0] == nil }.sorted()
    let new = after.keys.filter { before[$0] == nil }.sorted()
    if gone.count == 1, new.count == 1, dice.chance(70) {
      deeds.append(.rename(gone[0], to: new[0]))
      if before[gone[0]] == after[new[0]] { after[new[0]] = nil }
      gone = []
    }
    for path in gone { deeds.append(.remove(path)) }
    for path in after.keys.sorted() where before[path] != after[path] {
      deeds.append(.save(path, text: after[path]!, saving()))
    }
    return deeds
  }
}
