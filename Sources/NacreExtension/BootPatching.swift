import CPerl
import Patching
import PerlRuntime
import ReloadModel

/// Called by `boot_Nacre__Patching`, which Nacre.pm calls: defines the subs of `Nacre::Patching`.
@_cdecl("nacre_boot_patching")
func bootPatching() {
  // start(directory of Nacre's Perl files).
  Perl.define("Nacre::Patching::start") { arguments, count, _ in
    if count == 1 { Patcher.start(ownDirectory: PerlValue.text(of: arguments[0])) }
    return nil
  }
  // check() and reload(key ...): a report (PatchReport.described), or undef if there is nothing to tell.
  Perl.define("Nacre::Patching::check") { _, _, _ in Patcher.check().map { Perl.string($0.described) } }
  Perl.define("Nacre::Patching::reload") { arguments, count, _ in
    Patcher.reload((0..<Int(count)).map { PerlValue.text(of: arguments[$0]) }).map { Perl.string($0.described) }
  }
  // set_watched(key, whether).
  Perl.define("Nacre::Patching::set_watched") { arguments, count, _ in
    if count == 2 { Patcher.setWatched(PerlValue.text(of: arguments[0]), cp_is_true(arguments[1])) }
    return nil
  }
  Perl.define("Nacre::Patching::means") { _, _, _ in Perl.string(Patcher.means) }
}
