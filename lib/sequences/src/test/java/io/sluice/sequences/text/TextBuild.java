package io.sluice.sequences.text;

import io.sluice.config.Provenance;
import io.sluice.config.Settings;
import io.sluice.sequences.SparkExtension;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.text.dataset.DocumentBatches;
import io.sluice.sequences.text.dataset.TextBatch;
import io.sluice.sequences.text.dataset.TextDataset;
import io.sluice.sequences.text.dataset.TextManifest;
import io.sluice.sequences.text.dataset.Truncation;
import io.sluice.sequences.text.encoding.Vocabulary;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.TreeMap;
import java.util.zip.GZIPOutputStream;
import org.apache.hadoop.conf.Configuration;

/** One build of a test: settings as a person would write them, over a folder of the test's own. */
public final class TextBuild {
  private final Path folder;
  private final List<String> lines = new ArrayList<>();

  private TextBuild(Path folder) {
    this.folder = folder;
  }

  /** Documents of a plain text file, a line each; all of them train, every word counts. */
  public static TextBuild in(Path folder) {
    return new TextBuild(folder)
        .with("name = test")
        .with("lake.root = \"%s\"".formatted(folder))
        .with("dataset { path = \"%s\", layout = documents }".formatted(folder.resolve("dataset")))
        .with("source.format = text")
        .with("split { validation = 0, test = 0 }")
        .with("text.vocabulary.min-count = 1");
  }

  /** Adds settings; later ones win. */
  public TextBuild with(String hocon) {
    lines.add(hocon);
    return this;
  }

  /** Writes a file and reads from it. */
  public TextBuild text(String name, String text) {
    return source("path", bytes(name, text.getBytes(StandardCharsets.UTF_8)));
  }

  /** Writes a CSV file, RFC 4180, and reads from it. */
  TextBuild csv(String text) {
    return text("source.csv", text)
        .with("source { format = csv, options { quote = \"\\\"\", escape = \"\\\"\" } }");
  }

  /**
   * @param key path, validation-path or test-path
   */
  public TextBuild source(String key, Path path) {
    return with("source.%s = \"%s\"".formatted(key, path));
  }

  /** Writes a file, compressed where its name says so. */
  public Path bytes(String name, byte[] content) {
    Path file = folder.resolve(name);
    try {
      Files.createDirectories(file.getParent());
      try (OutputStream out = Files.newOutputStream(file);
          OutputStream compressed = name.endsWith(".gz") ? new GZIPOutputStream(out) : out) {
        compressed.write(content);
      }
      return file;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  TextSettings settings() {
    return Settings.parse(String.join("\n", lines)).read(TextSettings::from);
  }

  public TextReport run() {
    return TextBuilder.build(
        SparkExtension.session(),
        settings(),
        new Provenance("run", "test", "hash", Instant.parse("2024-06-01T00:00:00Z")));
  }

  Path folder() {
    return folder;
  }

  public Path dataset() {
    return folder.resolve("dataset");
  }

  public TextDataset open() {
    return TextDataset.open(dataset().toString(), new Configuration());
  }

  TextManifest manifest() {
    return open().manifest();
  }

  /** Documents of a split by name: tokens as they are in the vocabulary, then the label. */
  TreeMap<String, String> documents(Split split) {
    var documents = new TreeMap<String, String>();
    Vocabulary vocabulary = open().vocabulary();
    DocumentBatches batches = open().documentsInOrder(split, 3, 0, 1);
    while (batches.hasNext()) {
      TextBatch batch = batches.next();
      for (int b = 0; b < batch.size(); b++) {
        var tokens = new ArrayList<String>();
        for (int t = 0; t < batch.length(b); t++) {
          tokens.add(vocabulary.token(batch.ids()[t * batch.size() + b]));
        }
        documents.put(
            batch.name(b),
            String.join(" ", tokens) + (batch.label(b) < 0 ? "" : " | " + batch.label(b)));
      }
    }
    return documents;
  }

  /** The tokens of a split's stream. */
  List<String> stream(Split split) {
    var tokens = new ArrayList<String>();
    Vocabulary vocabulary = open().vocabulary();
    long N = open().tokens(split);
    var batches = open().streams(split, 1, Truncation.every(7), 0, 1).epoch(0, 0);
    while (batches.hasNext()) {
      var batch = batches.next();
      for (int t = 0; t < batch.timeSteps(); t++) {
        tokens.add(vocabulary.token(batch.ids()[t]));
        if (tokens.size() == N - 1) {
          tokens.add(vocabulary.token(batch.nextIds()[t]));
        }
      }
    }
    return tokens;
  }

  /** Rejected documents as {@code reason | row}, sorted. */
  List<String> rejects() {
    return SparkExtension.session().read().parquet(dataset() + ".rejects").collectAsList().stream()
        .map(r -> r.getString(1) + " | " + r.getString(2))
        .sorted()
        .toList();
  }

  /** Every file of the dataset: its bytes, in Base64, by its path. */
  TreeMap<String, String> files() {
    return files(dataset());
  }

  /** The same of a dataset elsewhere. */
  static TreeMap<String, String> files(Path dataset) {
    try (var paths = Files.walk(dataset)) {
      var files = new TreeMap<String, String>();
      for (Path path : paths.filter(Files::isRegularFile).toList()) {
        files.put(
            dataset.relativize(path).toString(),
            Base64.getEncoder().encodeToString(Files.readAllBytes(path)));
      }
      return files;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
