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
