import CPerl
import Glibc
import PSGIBridge
import PerlRuntime
import Rewinding

/// Called by `boot_Nacre`, which DynaLoader calls: defines the subs of `Nacre::Host`.
@_cdecl("nacre_boot")
func boot() {
  // settings(): names and values in turn, separated by NUL; lists within a value by \x01.
  Perl.define("Nacre::Host::settings") { _, _, _ in Perl.string(HostProcess.describedSettings()) }
  Perl.define("Nacre::Host::generation") { _, _, _ in cp_new_integer(Int64(HostProcess.currentGeneration)) }
  // add_hook("start" or "stop", \&hook, file, line): whether it will be called.
  Perl.define("Nacre::Host::add_hook") { arguments, count, _ in
    guard count == 4 else { return cp_new_integer(0) }
    let isTaken = HostProcess.addHook(
      PerlValue.text(of: arguments[0]), arguments[1], file: PerlValue.text(of: arguments[2]),
      line: UInt32(clamping: cp_integer(arguments[3])))
    return cp_new_integer(isTaken ? 1 : 0)
  }
  // What is loaded before the application: the next file and its @INC, separated by \x01, or undef; whether it is to be
  // loaded; what its load died with; the end. And whether changes of a file matter.
  Perl.define("Nacre::Host::begin_preload") { _, _, _ in HostProcess.beginPreload().map { Perl.string($0) } }
  Perl.define("Nacre::Host::enter_preload") { _, _, _ in cp_new_integer(HostProcess.enterPreload() ? 1 : 0) }
  Perl.define("Nacre::Host::end_preload") { arguments, count, _ in
    HostProcess.endPreload(error: count > 0 ? PerlValue.text(of: arguments[0]) : "")
    return nil
  }
  Perl.define("Nacre::Host::seal_preload") { _, _, _ in
    HostProcess.sealPreload()
    return nil
  }
  // run(\&load, nacre's pid, channel, scoreboard, inotify): never returns.
  Perl.define("Nacre::Host::run") { arguments, count, error in
    guard count == 5 else {
      error.pointee = Perl.string("Nacre::Host::run is nacre's: start your application with `nacre app.psgi`\n")
      return nil
    }
    let inheritance = HostProcess.Inheritance(
      supervisor: Int32(cp_integer(arguments[1])), channel: Int32(cp_integer(arguments[2])),
      scoreboard: Int32(cp_integer(arguments[3])), inotify: Int32(cp_integer(arguments[4])))
    guard let host = HostProcess(inheritance, serve: PSGIBridge.serve) else {
      error.pointee = Perl.string("nacre and its Nacre.so are of different versions: run `make install` again\n")
      return nil
    }
    // In the base, so that every worker shares it and none loads it while it serves.
    if let problem = prepareBridge() {
      error.pointee = Perl.string("Nacre cannot load what it needs of perl: \(problem)")
      return nil
    }
    host.run(load: arguments[0])
  }
}
