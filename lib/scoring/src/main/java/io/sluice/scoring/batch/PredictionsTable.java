package io.sluice.scoring.batch;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.config.ConfigReader;
import io.sluice.failure.InvalidInputException;
import io.sluice.failure.OperationFailedException;
import io.sluice.sequences.dataset.TimeAxis;
import io.sluice.sequences.lake.Lake;
import io.sluice.sequences.lake.PublishLock;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The predictions table: {@code data-schemas/predictions.v1.json}, or of documents {@code
 * document-predictions.v1.json}, in a folder of any Hadoop file system, partitioned by model and
 * date.
 *
 * <p>Plain Spark can read the folder too and never sees a half-written file; {@link #read} is the
 * reader that first finishes what a crashed run had committed, so that it sees all of a run or
 * nothing of it.
 */
public final class PredictionsTable {
  private static final Logger LOG = LoggerFactory.getLogger(PredictionsTable.class);
  private static final ObjectMapper JSON = new ObjectMapper();

  /** A swap is a few renames; whoever meets one in progress waits for it this long. */
  private static final Duration SWAP_WAIT = Duration.ofSeconds(60);

  private final TableLayout layout;
  private final Duration lockTimeout;
  private final Configuration hadoop;
  private final FileSystem fs;
  private final Lake lake;

  private PredictionsTable(
      TableLayout layout, Duration lockTimeout, Configuration hadoop, FileSystem fs) {
    this.layout = layout;
    this.lockTimeout = lockTimeout;
    this.hadoop = hadoop;
    this.fs = fs;
    this.lake = Lake.of(hadoop);
  }

  /**
   * The table at a Hadoop URI, which need not exist yet.
   *
   * @param lockTimeout a publisher's lock without a sign of life for this long is abandoned
   */
  public static PredictionsTable at(String uri, Duration lockTimeout, Configuration hadoop) {
    Path root = new Path(uri);
    return attempt(
        root,
        () -> {
          FileSystem fs = root.getFileSystem(hadoop);
          var layout = new TableLayout(fs.makeQualified(root));
          return new PredictionsTable(layout, lockTimeout, hadoop, fs);
        });
  }

  /**
   * All rows of all models, {@code model} and {@code date} behind the columns of the files.
   *
   * @throws InvalidInputException if there is no such table
   */
  public Dataset<Row> read(SparkSession spark) {
    TableFormat format = format();
    recover();
    return spark
        .read()
        .schema(format.tableColumns())
        .option("basePath", layout.root().toString())
        .parquet(layout.root().toString());
  }

  /**
   * Finishes every committed publication that its run did not live to finish.
   *
   * @return ids of the runs whose rows were rolled forward
   * @throws OperationFailedException if a live publisher is still busy after a minute
   */
  public List<String> recover() {
    var recovered = new ArrayList<String>();
    for (String model : lake.children(layout.journals().toString())) {
      if (!journalsOf(model).isEmpty()) {
        recovered.addAll(recoverWaiting(model));
      }
    }
    return recovered;
  }

  private List<String> recoverWaiting(String model) {
    long deadline = System.nanoTime() + SWAP_WAIT.toNanos();
    while (true) {
      Optional<PublishLock> free = lockUnlessBusy(model, deadline);
      if (free.isPresent()) {
        try (PublishLock lock = free.get()) {
          return rollForward(model);
        }
      }
      if (journalsOf(model).isEmpty()) {
        return List.of(); // the live publisher finished its own
      }
      pause();
    }
  }

  private Optional<PublishLock> lockUnlessBusy(String model, long deadline) {
    try {
      return Optional.of(lock(model, "recover-" + UUID.randomUUID()));
    } catch (OperationFailedException busy) {
      if (System.nanoTime() > deadline) {
        throw busy;
      }
      LOG.info("Waiting for the publication of {} to finish: {}", model, busy.getMessage());
      return Optional.empty();
    }
  }

  /**
   * Takes the model's lock, finishes what an earlier run committed, clears what an earlier run left
   * and opens an empty staging folder.
   *
   * @throws OperationFailedException if another run holds the lock
   */
  PredictionsWrite begin(
      String model, TableFormat format, String runId, PublishStep.Observer observer) {
    PublishLock lock = lock(model, runId);
    try {
      ensureFormat(format);
      rollForward(model);
      attempt(
          layout.root(),
          () -> {
            // under the lock nobody else has anything here, and journals are carried out
            fs.delete(layout.stagings(model), true);
            fs.delete(layout.replacements(model), true);
            return fs.mkdirs(layout.staging(model, runId));
          });
      return new PredictionsWrite(layout, fs, lake, lock, model, runId, observer);
    } catch (RuntimeException e) {
      lock.close();
      throw e;
    }
  }

  private PublishLock lock(String model, String runId) {
    return PublishLock.acquire(layout.lockTarget(model).toString(), runId, lockTimeout, hadoop);
  }

  private List<String> rollForward(String model) {
    return attempt(
        layout.root(),
        () -> {
          var runs = new ArrayList<String>();
          for (Path path : journalsOf(model)) {
            PublishJournal journal =
                PublishJournal.parse(path.toString(), lake.readText(path.toString(), "journal"));
            LOG.info("Finishing the publication of run {} in {}", journal.runId(), layout.root());
            new PartitionSwap(fs, layout, PublishStep.Observer.NONE).carryOut(journal);
            runs.add(journal.runId());
          }
          return runs;
        });
  }

  private List<Path> journalsOf(String model) {
    return lake.children(layout.journals(model).toString()).stream()
        .filter(name -> name.endsWith(".json") && !name.startsWith("."))
        .map(name -> new Path(layout.journals(model), name))
        .toList();
  }

  /** Writes what the table is, or checks it: a table has one format. */
  private void ensureFormat(TableFormat format) {
    if (!lake.exists(layout.format().toString())) {
      // two models' first runs may both write; the check below judges what stands
      lake.writeTextAtomically(layout.format().toString(), describe(format).toPrettyString());
    }
    TableFormat found = format();
    if (!found.equals(format)) {
      throw new InvalidInputException(
          "Cannot write to the predictions table %s: it holds %s, this model would add %s, and a table holds one kind. Set score.predictions to another folder."
              .formatted(layout.root(), found.described(), format.described()));
    }
  }

  private static ObjectNode describe(TableFormat format) {
    ObjectNode description = JSON.createObjectNode().put("format", format.name());
    return format instanceof TableFormat.OfWindows windows
        ? description.put("origin", ConfigReader.kebab(windows.time()))
        : description;
  }

  private TableFormat format() {
    if (!lake.exists(layout.format().toString())) {
      throw new InvalidInputException(
          "There is no predictions table at %s: it has no _format.json. Check the path; score writes the table."
              .formatted(layout.root()));
    }
    String text = lake.readText(layout.format().toString(), "format of the predictions table");
    try {
      JsonNode description = JSON.readTree(text);
      String name = description.path("format").asText();
      return switch (name) {
        case PredictionsSchema.FORMAT ->
            new TableFormat.OfWindows(originType(description.path("origin").asText()));
        case DocumentSchema.FORMAT -> new TableFormat.OfDocuments();
        default ->
            throw new InvalidInputException(
                "The predictions table %s has format \"%s\", this version reads and writes %s and %s. Use the version that wrote it, or set score.predictions to another folder."
                    .formatted(
                        layout.root(), name, PredictionsSchema.FORMAT, DocumentSchema.FORMAT));
      };
    } catch (JsonProcessingException e) {
      throw new InvalidInputException(
          "The predictions table %s has an unreadable _format.json (%s). Restore it."
              .formatted(layout.root(), e.getOriginalMessage()),
          e);
    }
  }

  private TimeAxis.Type originType(String origin) {
    return Arrays.stream(TimeAxis.Type.values())
        .filter(type -> ConfigReader.kebab(type).equals(origin))
        .findFirst()
        .orElseThrow(
            () ->
                new InvalidInputException(
                    "The predictions table %s has origins of type \"%s\" in its _format.json; %s knows timestamp and ordinal."
                        .formatted(layout.root(), origin, PredictionsSchema.FORMAT)));
  }

  static <T> T attempt(Path root, PredictionsWrite.TableAction<T> action) {
    try {
      return action.run();
    } catch (IOException e) {
      throw Lake.writeFailure(root.toString(), e);
    }
  }

  private static void pause() {
    try {
      TimeUnit.MILLISECONDS.sleep(200);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new OperationFailedException(
          "Interrupted while waiting for a publication to finish.", e);
    }
  }
}
