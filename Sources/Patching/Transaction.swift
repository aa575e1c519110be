import CPerl
import Glibc
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
  let table: StashTable
  /// Whether files are looked for in `@INC` as it is now.
  let byName: Bool
  var report = PatchReport()
  var staged: Set<Int> = []
  /// What the packages exported by default before: `["My::App": "f\u{1}g"]`.
  var exports: [String: String] = [:]
  /// What they let others import before.
  var offers: [String: Offer] = [:]
  /// Where the subs of each file were found.
  var lastPackage: [Int: String] = [:]
  var lifted: [Lifted] = []
  var taken: [Taken] = []
  var entries: [Entry] = []
  /// What the files that were staged last assigned to in packages of others: `My::App::alias`.
  var assigned: Set<String> = []
  /// Whether code of the files' own has been called: it may have changed anything.
  var hooksHaveRun = false
  /// When the files that this patch has loaded were loaded, counted from 1: those that one of them has asked for, together.
  var turns: [Int: Int] = [:]
  /// Files that this patch has loaded before what they hold was: they are loaded once more.
  var outdated: Set<Int> = []
  private var turn = 0
  /// How often files were loaded again in this patch.
  private var repetitions: [Int: Int] = [:]
  /// Packages that a framework has built (Moose, Moo).
  var built: Set<String> = []
  var builtByMoo: Set<String> = []
  /// How much is built from a package of each file.
  var foundations: [Int: Int] = [:]
  /// The paths of the files that a load which was taken back has loaded or tried for the first time.
  var attempted: [String] = []
  /// Packages in which bodies may have moved out of perl's sight.
  var doubtful: Set<Int> = []
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
    /// Its full name, if others may have it from there.
    var name: String?
    var goes: Bool
  }

  /// A constant that has no glob.
  struct Entry {
    var name: String
    var value: OpaquePointer
    var isSettled = false
  }

  init(_ table: StashTable, _ follower: LoadFollower, graves: [String: Int], byName: Bool) {
    self.table = table
    self.follower = follower
    self.byName = byName
    self.graves = graves
  }

  /// Loads these files, and what depends on them, again.
  func run(_ changed: Set<Int>) -> PatchReport {
    let began = Clock.microseconds()
    table.refresh()
    table.begin()
    cp_patch_save_process()
    // A failed load may have put subs anywhere in the project's packages.
    for stash in table.watched() { cp_patch_hold(UInt32(stash)) }
    follower.beginPatch()
    cp_forbid_exit(true)
    let isDone = carryOut(changed, began)
    cp_forbid_exit(false)
    if isDone { conclude() } else { takeBack() }
    for stash in doubtful { cp_scan_doubt(UInt32(stash)) }
    return report
  }

  private func carryOut(_ changed: Set<Int>, _ began: UInt64) -> Bool {
    let touched = table.touched(by: changed)
    var files = withRelatives(of: changed.union(generated(by: changed, touched).filter(isThere)))
    guard stage(files, files == changed ? touched : table.touched(by: files)) else {
      report.examining = Clock.microseconds() - began
      return false
    }
    var time = Clock.microseconds()
    report.examining = time - began
    while true {
      for file in loadOrder(files) {
        let known = follower.ended.count
        if let failure = load(file) {
          report.failure = failure
          return false
        }
        turn += 1
        for loaded in follower.ended.dropFirst(known) { turns[loaded] = turn }
      }
      report.loading += Clock.microseconds() - time
      time = Clock.microseconds()
      table.refresh(certainly: doubtful)
      let dependents = settle()
      if dependents.contains(-1) {
        refuse("the main program", "it holds a constant or a prototype that changes, and it is running: restart")
        return false
      }
      report.scripts += dependents.filter { follower.files[$0].isScript }.map { follower.files[$0].key }
      files = dependents.filter {
        (!staged.contains($0) || mayRepeat($0)) && follower.files[$0].isLoaded && follower.isWatched($0) && isThere($0)
      }
      report.settling += Clock.microseconds() - time
      if files.isEmpty { break }
      table.refresh(certainly: doubtful)
      files = withRelatives(of: files)
      guard stage(files, table.touched(by: files)) else { return false }
      time = Clock.microseconds()
    }
    importAgain()
    return callHooks("_after", staged)
  }

  /// Calls the hooks of these files. False if one has died.
  func callHooks(_ method: String, _ files: Set<Int>) -> Bool {
    for file in follower.inOrder(files) {
      switch Perl.call(method: method, of: "Nacre::Patching", [follower.files[file].key]) {
      case .returned(let hasRun): if !hasRun.text.isEmpty { hooksHaveRun = true }
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

  /// Whether there is a file to load again. What was loaded from one that is gone stays as it is.
  private func isThere(_ file: Int) -> Bool { access(follower.files[file].path, F_OK) == 0 }

  /// Whether a file is to be loaded once more because it was before what it holds. Two files each of whose loads makes
  /// other constants than the one before would go on for ever.
  private func mayRepeat(_ file: Int) -> Bool {
    guard outdated.remove(file) != nil, repetitions[file, default: 0] < 2 else { return false }
    repetitions[file, default: 0] += 1
    return true
  }

  func isStaged(_ file: Int) -> Bool { staged.contains(file) }
}
