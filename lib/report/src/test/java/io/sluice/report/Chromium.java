package io.sluice.report;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A headless browser, where one is installed. */
final class Chromium {
  private static final int MOST_SECONDS = 60;

  private final Path program;
  private final Path folder;

  private Chromium(Path program, Path folder) {
    this.program = program;
    this.folder = folder;
  }

  /** What a page became: its document after scripts ran, and what it said on its console. */
  record Opened(String document, String console) {}

  static Optional<Chromium> find(Path folder) {
    return Stream.of(System.getenv("PATH").split(":"))
        .flatMap(
            f -> Stream.of("chromium", "chromium-browser", "google-chrome").map(n -> Path.of(f, n)))
        .filter(Files::isExecutable)
        .findFirst()
        .map(p -> new Chromium(p, folder));
  }

  Opened open(Path page, String... flags) throws IOException, InterruptedException {
    var command =
        new ArrayList<String>(
            List.of(
                program.toString(),
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--disable-dev-shm-usage",
                "--enable-logging=stderr",
                "--log-level=0",
                "--user-data-dir=" + Files.createTempDirectory(folder, "profile"),
                "--virtual-time-budget=5000",
                "--dump-dom"));
    command.addAll(List.of(flags));
    command.add(page.toUri().toString());
    Path console = Files.createTempFile(folder, "console", ".log");
    Process process = new ProcessBuilder(command).redirectError(console.toFile()).start();
    String document;
    try (InputStream out = process.getInputStream()) {
      document = new String(out.readAllBytes(), StandardCharsets.UTF_8);
    }
    if (!process.waitFor(MOST_SECONDS, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new IOException("the browser did not end within " + MOST_SECONDS + " s");
    }
    return new Opened(document, Files.readString(console));
  }
}
