import ReloadModel
import Testing

@Test(
  arguments: [
    ".App.pm.swp", ".App.pm.swo", ".App.pm.swx", ".App.pm.swpx", "4913", ".#App.pm", "#App.pm#", "App.pm~",
    "App.pm___jb_tmp___", "App.pm___jb_old___", ".App.pm.kate-swp", "sedX3kPqz", ".goutputstream-A1B2C3",
    ".subl3f9.tmp", ".nfs000000000123", ".fuse_hidden0001", ".App.pm.un~", "App.pm.vsctmp", ".~lock.menu.ods#",
    ".syncthing.App.pm.tmp", ".mutagen-temporary-cross-1",
    // As seen of sed -i, perl -i, emacs (file-precious-flag) and rsync.
    "sedZuIkQN", "sedKVmDzT", "XX2uHGLQ", "XXz1NqKx", "tmpXOiKSB", ".App.pm.1cWNSD", ".page.tt.Zk81qA",
  ])
func editorsLeavingIsRecognised(name: String) {
  #expect(EditorLeavings.matches(name))
}

@Test(
  arguments: [
    "App.pm", "4914", "#", "#App.pm", "sedation", "sedatives", "sed", ".swp.pm", ".htaccess", "app.swp.pm", "x_", "",
    ".subl", "jb_tmp___.pm", "tmpfiles1", "tmpfolder", "XXREPORT", "XX", ".env.local2", ".App.pm", ".A1B2C3",
    "x.1cWNSD",
    "App.pm.bak", "App.pm.orig",
  ])
func ordinaryNameIsNoLeaving(name: String) {
  #expect(!EditorLeavings.matches(name))
}
