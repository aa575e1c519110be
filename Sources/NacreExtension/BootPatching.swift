import CPerl
import Patching
import PerlRuntime
import ReloadModel

/// Called by `boot_Nacre__Patching`, which Nacre.pm calls: defines the subs of `Nacre::Patching`.
@_cdecl("nacre_boot_patching")
func bootPatching() {
  // start(directory of Nacre's Perl files, script ...): scripts that are being loaded.
  Perl.define("Nacre::Patching::start") { arguments, count, _ in
    guard count > 0 else { return nil }
    let words = (0..<Int(count)).map { PerlValue.text(of: arguments[$0]) }
    Patcher.start(ownDirectory: words[0], scripts: Set(words.dropFirst()))
    return nil
  }
  // check() and reload(key ...): a report (PatchReport.described), or undef if there is nothing to tell.
  Perl.define("Nacre::Patching::check") { _, _, _ in Patcher.check().map { Perl.string($0.described) } }
  Perl.define("Nacre::Patching::reload") { arguments, count, _ in
    Patcher.reload((0..<Int(count)).map { PerlValue.text(of: arguments[$0]) }).map { Perl.string($0.described) }
  }
  // For hosts that choose among the changed files. changed(): each as key, path, whether it was not tried before, whether it
  // is a library's, whether it was asked for, separated by NUL, these by \x01; or undef. patch(by name, key ...): as check().
  Perl.define("Nacre::Patching::changed") { _, _, _ in
    Patcher.changed().map { files in
      Perl.string(
        files.map {
          [$0.key, $0.path, $0.isNew ? "1" : "", $0.isLibrary ? "1" : "", $0.isAsked ? "1" : ""].joined(
            separator: "\u{1}")
        }
        .joined(separator: "\0"))
    }
  }
  Perl.define("Nacre::Patching::patch") { arguments, count, _ in
    guard count > 0 else { return nil }
    let keys = (1..<Int(count)).map { PerlValue.text(of: arguments[$0]) }
    return Patcher.patch(keys, byName: cp_is_true(arguments[0])).map { Perl.string($0.described) }
  }
  // described_force(key ...): has them count as changed; those that are loaded, separated by NUL. described_uses(key): what its load
  // has asked for, likewise, or undef.
  Perl.define("Nacre::Patching::described_force") { arguments, count, _ in
    Perl.string(Patcher.force((0..<Int(count)).map { PerlValue.text(of: arguments[$0]) }).joined(separator: "\0"))
  }
  Perl.define("Nacre::Patching::described_uses") { arguments, count, _ in
    guard count == 1 else { return nil }
    return Patcher.uses(PerlValue.text(of: arguments[0])).map { Perl.string($0.joined(separator: "\0")) }
  }
  // described_differing(): the keys of the files that differ from what runs, separated by NUL.
  Perl.define("Nacre::Patching::described_differing") { _, _, _ in
    Perl.string(Patcher.differingKeys.joined(separator: "\0"))
  }
  // described_roll(): for each interpreter that patches, process, generation, time and outcome of the last patch, separated by
  // \x01, these by NUL.
  Perl.define("Nacre::Patching::described_roll") { _, _, _ in
    Perl.string(Patcher.roll.map { $0.joined(separator: "\u{1}") }.joined(separator: "\0"))
  }
  Perl.define("Nacre::Patching::mind_libraries") { _, _, _ in
    Patcher.mindLibraries()
    return nil
  }
  // begin_script(name), end_script(): what is compiled between them is no file that perl loads.
  Perl.define("Nacre::Patching::begin_script") { arguments, count, _ in
    if count == 1 { Patcher.beginScript(PerlValue.text(of: arguments[0])) }
    return nil
  }
  Perl.define("Nacre::Patching::end_script") { _, _, _ in
    Patcher.endScript()
    return nil
  }
  // set_watched(key, whether).
  Perl.define("Nacre::Patching::set_watched") { arguments, count, _ in
    if count == 2 { Patcher.setWatched(PerlValue.text(of: arguments[0]), cp_is_true(arguments[1])) }
    return nil
  }
  Perl.define("Nacre::Patching::look_between_passes") { _, _, _ in
    cp_patch_look_between_passes()
    return nil
  }
  Perl.define("Nacre::Patching::means") { _, _, _ in Perl.string(Patcher.means) }
}
