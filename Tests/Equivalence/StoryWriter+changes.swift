// What may happen to an application.
extension StoryWriter {
  /// Somebody works on a module.
  mutating func change() {
    guard var module = worksOnFavourite ? world.modules[favourite] : dice.pick(world.present) else { return }
    module.version = number()
    for index in module.features.indices where dice.chance(50) { module.features[index].value = dice.below(1000) }
    if dice.chance(5) { module.isLarge.toggle() }
    world.modules[module.package] = module
  }

  /// Whether it is that module's turn, in stories that have one.
  private var worksOnFavourite: Bool {
    mutating get { preloads && dice.chance(50) && world.main.contains { $0.package == favourite } }
  }

  /// A module comes to do more, or less.
  mutating func changeFeatures() {
    guard var module = dice.pick(world.main) else { return }
    module.version = number()
    let removable = module.features.indices.filter { !module.features[$0].isExported }
    if dice.chance(40), let index = dice.pick(Array(removable)) { module.features.remove(at: index) }
    world.modules[module.package] = module
    if dice.chance(70) { addFeature(to: module.package) }
  }

  mutating func changeOtherFile() {
    let which = 1 + dice.below(2)
    switch dice.below(5) {
    case 0: world.plain[which] = number()
    case 1: world.confs[which] = number()
    case 2: world.data[which] = number()
    case 3: if world.flags.remove(which) == nil { world.flags.insert(which) }
    default: world.composer = number()
    }
  }

  /// Something that was looked for is there.
  mutating func appear() {
    guard let package = dice.pick(world.absent.sorted()) else { return }
    world.absent.remove(package)
    let version = number()
    world.modules[package]?.version = version
  }

  /// Something that nobody needs is there no more.
  mutating func vanish() {
    let optional = world.present.filter { $0.package.hasPrefix("A::O") || $0.package.hasPrefix("A::Plugin") }
    if let module = dice.pick(optional) { world.absent.insert(module.package) }
  }

  /// The application sets something before it asks for a library, sets something else, or does so no more.
  mutating func tell() {
    let tellers = world.main.filter { $0.features.contains { $0.kind == .tells } }
    guard var module = dice.pick(dice.chance(50) && !tellers.isEmpty ? tellers : world.main) else { return }
    module.version = number()
    if let index = module.features.firstIndex(where: { $0.kind == .tells }), dice.chance(60) {
      if dice.chance(60) { module.features.remove(at: index) } else { module.features[index].value = dice.below(1000) }
    } else {
      let told = Feature(
        kind: .tells, number: module.version, value: dice.below(1000), other: 1 + dice.below(Library.count))
      module.features.insert(told, at: 0)
    }
    world.modules[module.package] = module
  }

  /// A module gets another name, and whoever uses it says so.
  mutating func rename() {
    guard var module = dice.pick(world.main), world.faults[module.path] == nil else { return }
    let old = module.package
    module.package = "A::M\(100 + number())"
    world.modules[old] = nil
    world.modules[module.package] = module
    world.shadows[old] = nil
    for var user in world.sorted {
      for index in user.features.indices where user.features[index].target == old {
        user.features[index].target = module.package
      }
      world.modules[user.package] = user
    }
    world.roots = world.roots.map { $0 == old ? module.package : $0 }
  }

  /// Another version stands earlier in `@INC`, or not any more.
  mutating func shadow() {
    if preloads, dice.chance(30) {
      let library = 1 + dice.below(Library.count)
      if world.libraryShadows.removeValue(forKey: library) == nil { world.libraryShadows[library] = number() }
    } else if !world.shadows.isEmpty, dice.chance(50) {
      world.shadows[dice.pick(world.shadows.keys.sorted())!] = nil
    } else if let module = dice.pick(world.present.filter { $0.directory == "lib" && !$0.package.contains("Plugin") }) {
      world.shadows[module.package] = number()
    }
  }

  /// A new module comes, and another uses it.
  mutating func grow() {
    guard let user = dice.pick(world.main) else { return }
    let package = "A::M\(100 + number())"
    world.modules[package] = Module(package: package, rank: 500 + last, directory: "lib", version: 1, features: [])
    for _ in 0...dice.below(3) { addFeature(to: package) }
    let kind: Feature.Kind = dice.chance(50) ? .requires : .inherits
    let use = Feature(kind: kind, number: number(), value: dice.below(1000), target: package)
    world.modules[user.package]!.features.append(use)
    world.modules[user.package]!.version = use.number
  }

  // MARK: Features

  private static let kinds: [(Int, Feature.Kind)] = [
    (8, .constant), (7, .function), (5, .prototype), (22, .imports), (6, .reexport), (9, .inherits), (6, .role),
    (4, .foreign), (4, .circular), (3, .foreignFlag), (3, .alias), (5, .requires), (8, .lazy), (7, .optional),
    (3, .noPackage), (4, .doFile), (2, .hook), (4, .library), (9, .readAcross), (4, .listAcross), (5, .plugins),
    (4, .flagFile), (7, .dataHandle), (5, .freshness), (7, .closure), (5, .state), (4, .inner), (4, .environment),
    (4, .environmentRead), (4, .flagRead), (2, .signal), (4, .registry), (3, .overload), (2, .stringEval), (2, .end),
    (2, .tied), (2, .weak), (1, .format), (1, .autoload), (4, .slow), (5, .vendor),
  ]

  private var kinds: [(Int, Feature.Kind)] {
    // Little is told before the libraries are known.
    let libraries: [(Int, Feature.Kind)] = preloads ? [(10, .librarian), (favourite.isEmpty ? 2 : 10, .tells)] : []
    return Self.kinds + libraries + (usesMoo ? [(12, .mooRole), (14, .mooClass)] : [])
  }

  /// Gives a module one thing more to do.
  mutating func addFeature(to package: String, kind wanted: Feature.Kind? = nil) {
    guard let module = world.modules[package] else { return }
    var kind = wanted ?? dice.pick(weighted: kinds)
    let isMain = package.hasPrefix("A::M")
    let lower = world.main.filter { $0.rank < module.rank }.map(\.package)
    let higher = world.main.filter { $0.rank > module.rank }.map(\.package)
    var feature = Feature(kind: kind, number: number(), value: dice.below(1000), other: 1 + dice.below(4))
    switch kind {
    case .imports, .reexport:
      feature.target = dice.pick(higher.filter { !world.exports(of: $0).isEmpty }) ?? ""
      feature.names = world.exports(of: feature.target).filter { _ in dice.chance(70) }
      if feature.names.isEmpty { kind = .function }
    case .inherits, .foreign, .foreignFlag, .alias, .requires, .readAcross, .listAcross, .dataHandle:
      feature.target = dice.pick(higher) ?? ""
      if feature.target.isEmpty { kind = .closure }
    case .circular:
      feature.target = dice.pick(lower) ?? ""
      if feature.target.isEmpty || !isMain { kind = .constant }
    case .role: feature.target = "A::R0\(1 + dice.below(2))"
    case .lazy: feature.target = dice.chance(20) ? dice.pick(higher) ?? "A::L1" : "A::L\(1 + dice.below(3))"
    case .optional: feature.target = "A::O\(1 + dice.below(3))"
    case .library: feature.target = "A::E1"
    case .librarian, .tells: feature.other = 1 + dice.below(Library.count)
    case .mooClass:
      feature.target = dice.pick(higher.filter { !world.roles(of: $0).isEmpty }) ?? ""
      feature.other = dice.pick(world.roles(of: feature.target)) ?? 0
      if feature.target.isEmpty { kind = .mooRole }
    default: break
    }
    if [.noPackage, .doFile, .readAcross, .flagFile].contains(kind) { feature.other = 1 + dice.below(2) }
    let isOnce = [.dataHandle, .autoload, .plugins].contains(kind) && module.features.contains { $0.kind == kind }
    // What is loaded from everywhere loads nothing of the application itself: there are circles enough.
    let isLeaf = !isMain && (!feature.target.isEmpty || kind == .plugins)
    feature.kind = isOnce || isLeaf ? .closure : kind
    if isLeaf { feature.target = "" }
    world.modules[package]!.features.append(feature)
  }
}
