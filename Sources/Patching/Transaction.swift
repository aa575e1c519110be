import CPerl
import PerlRuntime
import ReloadModel
import SourceFiles

/// One patch: files are loaded again, and either all of it holds or everything is as before.
///
/// What belongs to the files is taken out or emptied (`stage`), the files are loaded, and what the load has made is
/// brought to where the old things were (`settle`). Files that hold something that changed in that (an inlined constant,
/// a prototype, a generated sub) go through the same.
final class Transaction {
  let follower: LoadFollower
  let memory: LoadFollower.Memory
  /// Whether files are looked for in `@INC` as it is now.
  let byName: Bool
  var report = PatchReport()
  var staged: Set<Int> = []
  /// What the packages exported by default before: `["My::App": "f\u{1}g"]`.
  var exports: [String: String] = [:]
  /// Where the subs of each file were found.
  var lastPackage: [Int: String] = [:]
  var lifted: [Lifted] = []
  var taken: [Taken] = []
  var entries: [Entry] = []
  var keys: [SlotKey] = []
  var stashes: Set<OpaquePointer> = []
  /// The files of the subs that are gone but still referred to: if one comes back, it is the one that is kept
  /// (`cp_grave_head`).
  var graves: [String: Int]

  /// A sub whose body was moved away.
  struct Lifted {
    var number: UInt32
    var name: String
    /// What becomes of it if the load does not define it.
    var end: End
    var isSettled = false
    enum End { case goes, comesBack, isDeclared }
  }

  /// An imported sub that was taken out of its glob.
  struct Taken {
    var glob: OpaquePointer
    var code: OpaquePointer
    var goes: Bool
  }

  /// A constant that has no glob.
  struct Entry {
    var name: String
    var value: OpaquePointer
    var isSettled = false
  }

  /// A name in a stash.
  struct SlotKey: Hashable {
    var stash: OpaquePointer
    var name: UnsafePointer<CChar>
    var hash: UInt32
  }

  init(_ follower: LoadFollower, graves: [String: Int], byName: Bool) {
    self.follower = follower
    self.byName = byName
    self.graves = graves
    memory = follower.memory
  }

  /// Loads these files, and what depends on them, again.
  func run(_ changed: Set<Int>) -> PatchReport {
    let began = Clock.microseconds()
    let view = StashView(follower)
    cp_patch_begin()
    cp_patch_save_process()
    keys = view.slots.map { SlotKey(stash: view.stashes[Int($0.stash)].stash, name: $0.name, hash: $0.name_hash) }
    stashes = Set(view.stashes.map(\.stash))
    saveCode(view)
    follower.isPatching = true
    follower.ended = []
    cp_forbid_exit(true)
    let isDone = carryOut(changed, view, began)
    cp_forbid_exit(false)
    follower.isPatching = false
    if isDone { conclude() } else { takeBack() }
    return report
  }

  private func carryOut(_ changed: Set<Int>, _ view: StashView, _ began: UInt64) -> Bool {
    var files = changed.union(generated(by: changed, view))
    guard stage(files, view) else {
      report.examining = Clock.microseconds() - began
      return false
    }
    var time = Clock.microseconds()
    report.examining = time - began
    while true {
      for file in follower.order where files.contains(file) {
        if let failure = load(file) {
          report.failure = failure
          return false
        }
      }
      report.loading += Clock.microseconds() - time
      time = Clock.microseconds()
      let after = StashView(follower)
      let dependents = settle(after)
      if dependents.contains(-1) {
        refuse("the main program", "it holds a constant or a prototype that changes, and it is running: restart")
        return false
      }
      report.scripts += dependents.filter { follower.files[$0].isScript }.map { follower.files[$0].key }
      files = dependents.subtracting(staged).filter { follower.files[$0].isLoaded && follower.isWatched($0) }
      report.settling += Clock.microseconds() - time
      if files.isEmpty { break }
      guard stage(files, StashView(follower)) else { return false }
      time = Clock.microseconds()
    }
    importAgain()
    return callHooks("_after", staged)
  }

  /// Calls the hooks of these files. False if one has died.
  func callHooks(_ method: String, _ files: Set<Int>) -> Bool {
    for file in follower.order where files.contains(file) {
      switch Perl.call(method: method, of: "Nacre::Patching", [follower.files[file].key]) {
      case .returned: break
      case .died(let error):
        report.failure = LoadFailure(perlSays: error.text)
        return false
      case .exited(let status):
        report.failure = LoadFailure(cause: .exited, message: "a hook called exit(\(status))", status: status)
        return false
      }
    }
    return true
  }

  func refuse(_ key: String, _ reason: String) {
    report.refusals.append(PatchReport.Refusal(key: key, reason: reason))
  }

  func isStaged(_ file: Int) -> Bool { staged.contains(file) }

  /// Whether the name was there before the patch.
  func isOld(_ slot: cp_slot, _ view: StashView) -> Bool {
    oldKeys.contains(SlotKey(stash: view.stashes[Int(slot.stash)].stash, name: slot.name, hash: slot.name_hash))
  }

  private lazy var oldKeys = Set(keys)
}
