//! Peers for side-by-side figures: Python packages in a virtual environment that the bench makes, once, under the temp folder.

use std::path::PathBuf;
use std::process::Command;

/// A Python (3.12 or newer) that has `packages`, or the reason why there is none.
pub fn python(packages: &[&str]) -> Result<PathBuf, String> {
    let folder = std::env::temp_dir().join(format!("whybench-peer-{}", packages.join("-").replace(['=', '<', '>', '[', ']'], "_")));
    let python = folder.join("bin/python");
    let ready = folder.join("ready");
    if ready.exists() {
        return Ok(python);
    }
    let base = ["python3.13", "python3.12", "python3"]
        .into_iter()
        .map(str::to_owned)
        .chain(std::env::var("WHYBENCH_PYTHON"))
        .rfind(|p| {
            let check = "import sys; sys.exit(sys.version_info < (3, 12))";
            Command::new(p).args(["-c", check]).output().is_ok_and(|o| o.status.success())
        })
        .ok_or("no Python 3.12 or newer; name one in WHYBENCH_PYTHON")?;
    run(Command::new(base).args(["-m", "venv"]).arg(&folder))?;
    run(Command::new(&python).args(["-m", "pip", "install", "-q"]).args(packages))?;
    std::fs::write(ready, "").map_err(|e| e.to_string())?;
    Ok(python)
}

/// What a Python script prints.
pub fn script(python: &std::path::Path, script: &str, args: &[&str]) -> Result<String, String> {
    run(Command::new(python).arg("-c").arg(script).args(args))
}

fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|e| format!("{command:?}: {e}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)))
    }
}
