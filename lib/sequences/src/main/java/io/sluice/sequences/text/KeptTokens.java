package io.sluice.sequences.text;

import static org.apache.spark.sql.functions.broadcast;
import static org.apache.spark.sql.functions.col;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.dataset.ManifestJson;
import io.sluice.sequences.lake.Lake;
import io.sluice.sequences.source.RejectsTable;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The tokens of the source's files, kept beside a dataset from one build to the next:
 * text-tokens.v1.
 *
 * <p>A generation is what one build has tokenised; of a file that changed or went, its rows stay
 * there and are passed over. The index is replaced after a generation is whole, so a build that is
 * cut off leaves a folder that nobody reads and the next build deletes. The dataset's lock guards
 * this folder too.
 */
final class KeptTokens {
  static final String FORMAT = "text-tokens.v1";
  static final String INDEX = "index.json";
  private static final Logger LOG = LoggerFactory.getLogger(KeptTokens.class);

  private static final String NAME = "generation-%05d";

  /** More generations are put together. */
  private static final int MOST_GENERATIONS = 8;

  /** Files whose rows are passed over. */
  private static final StructType GONE =
      new StructType()
          .add("gone_source", DataTypes.IntegerType)
          .add("gone_file", DataTypes.StringType);

  /**
   * A file of a source as it was listed; two of the same are taken to hold the same bytes.
   *
   * @param source 0 main, 1 validation, 2 test
   * @param file below the source's root
   * @param length in bytes
   * @param modified milliseconds since 1970, as the file system has it
   */
  record FileState(int source, String file, long length, long modified) {}

  /** Files that were tokenised together. */
  record Generation(String folder, List<FileState> files) {}

  /**
   * The dataset that was published last.
   *
   * @param seal of its manifest
   * @param files SHA-256 of the files that the sources had
   * @param rejects where its rejects table lies; null in an index of before this was noted
   * @param warnings what the build said that a person should look at; likewise
   */
  record Built(String seal, String files, String rejects, List<String> warnings) {}

  /**
   * @param reading SHA-256 of all that decides how a file becomes tokens
   * @param built null before a dataset was published, and after a build that failed
   */
  record Index(String format, String reading, List<Generation> generations, Built built) {}

  private final String uri;
  private final Lake lake;
  private Index index;

  private KeptTokens(String uri, Lake lake, Index index) {
    this.uri = uri;
    this.lake = lake;
    this.index = index;
  }

  /** The folder of a dataset's tokens. */
  static String folder(String dataset) {
    return dataset.replaceFirst("(?<=.)/$", "") + ".tokens";
  }

  /** Opens or begins the folder of a dataset's tokens; deletes what a dead build left in it. */
  static KeptTokens open(String dataset, Configuration hadoop) {
    String uri = folder(dataset);
    Lake lake = Lake.of(hadoop);
    List<String> children = lake.children(uri);
    // a build that died at its first index left but a file that was to become one
    boolean isBegun = children.stream().allMatch(child -> child.startsWith("." + INDEX));
    if (!isBegun && !children.contains(INDEX)) {
      throw RejectsTable.notReplaceable(
          "dataset.incremental = true:", uri, "a folder of kept tokens", children);
    }
    var kept = new KeptTokens(uri, lake, new Index(FORMAT, "", List.of(), null));
    if (children.contains(INDEX)) {
      kept.index = kept.read();
    }
    kept.deleteOthers(children);
    return kept;
  }

  private Index read() {
    String file = uri + "/" + INDEX;
    try {
      var tree = ManifestJson.tree(lake.readText(file, "index of kept tokens"), file);
      completeOlder(tree.path("built"));
      Index read = ManifestJson.convert(tree, Index.class, file);
      boolean isWhole =
          FORMAT.equals(read.format())
              && read.generations().stream()
                  .allMatch(generation -> lake.exists(folder(generation) + "/_SUCCESS"));
      if (isWhole) {
        return read;
      }
      LOG.warn("{} is of another format or lacks a folder: every file is tokenised anew", file);
    } catch (InvalidInputException e) {
      LOG.warn("{} Every file is tokenised anew", e.getMessage());
    }
    return index;
  }

  /** Adds what was not noted of a build before. */
  private static void completeOlder(JsonNode built) {
    if (built instanceof ObjectNode object) {
      for (String none : new String[] {"rejects", "warnings"}) {
        if (!object.has(none)) {
          object.putNull(none);
        }
      }
    }
  }

  private void deleteOthers(List<String> children) {
    Set<String> own =
        index.generations().stream().map(Generation::folder).collect(Collectors.toSet());
    own.add(INDEX);
    children.stream().filter(c -> !own.contains(c)).forEach(c -> lake.delete(uri + "/" + c));
  }

  private String folder(Generation generation) {
    return uri + "/" + generation.folder();
  }

  /**
   * The last build, if the dataset with this seal is what it made of these files, and its rejects
   * table is there.
   *
   * @param rejects where that is looked for
   */
  Optional<Built> built(String seal, String files, String rejects) {
    return Optional.ofNullable(index.built())
        .filter(last -> last.seal().equals(seal) && last.files().equals(files))
        .filter(last -> rejects.equals(last.rejects()) && lake.exists(rejects));
  }

  /** Drops all tokens unless they were read this way. */
  void require(String reading) {
    if (!reading.equals(index.reading())) {
      save(new Index(FORMAT, reading, List.of(), null));
      deleteOthers(lake.children(uri));
    }
  }

  /** Of the files there are now, those whose tokens are not here. */
  List<FileState> missing(List<FileState> now) {
    Set<FileState> here = new HashSet<>();
    index.generations().forEach(generation -> here.addAll(generation.files()));
    return now.stream().filter(file -> !here.contains(file)).toList();
  }

  /** Where the next generation is written. */
  String nextFolder() {
    return uri + "/" + nextName();
  }

  private String nextName() {
    return NAME.formatted(
        index.generations().stream()
            .mapToInt(generation -> Integer.parseInt(generation.folder().replaceAll("\\D", "")) + 1)
            .max()
            .orElse(0));
  }

  /** Takes up what was written to {@link #nextFolder}. */
  void add(List<FileState> files) {
    var generations = new ArrayList<>(index.generations());
    generations.add(new Generation(nextName(), files));
    save(new Index(FORMAT, index.reading(), List.copyOf(generations), index.built()));
  }

  /** Whether most of what lies here is passed over, or it lies in too many folders. */
  boolean isScattered(List<FileState> now) {
    long live = bytes(now);
    long all =
        index.generations().stream().mapToLong(generation -> bytes(generation.files())).sum();
    return index.generations().size() > MOST_GENERATIONS || all > 2 * live;
  }

  private static long bytes(List<FileState> files) {
    return files.stream().mapToLong(FileState::length).sum();
  }

  /** Puts the generation that was written to {@link #nextFolder} in the place of all. */
  void replaceAll(List<FileState> now) {
    var whole = new Generation(nextName(), now);
    save(new Index(FORMAT, index.reading(), List.of(whole), index.built()));
    deleteOthers(lake.children(uri));
  }

  /** Before the rejects table is replaced: of a build that then fails, it is not the last one's. */
  void forgetBuilt() {
    published(null);
  }

  /** Notes what was published. */
  void published(Built built) {
    save(new Index(FORMAT, index.reading(), index.generations(), built));
  }

  private void save(Index newIndex) {
    lake.writeTextAtomically(uri + "/" + INDEX, ManifestJson.write(newIndex));
    index = newIndex;
  }

  /** Rows of the files that there are now; {@link #missing} has none left. */
  Dataset<Row> rows(SparkSession spark, List<FileState> now) {
    var wanted = new HashSet<>(now);
    Dataset<Row> rows = null;
    for (Generation generation : index.generations()) {
      List<FileState> gone =
          generation.files().stream().filter(file -> !wanted.contains(file)).toList();
      if (gone.size() < generation.files().size()) {
        Dataset<Row> own =
            without(spark.read().schema(Tokenising.SCHEMA).parquet(folder(generation)), gone);
        rows = rows == null ? own : rows.union(own);
      }
    }
    return rows;
  }

  /** Rows of other files; there may be many files, so it is a join and no expression. */
  private static Dataset<Row> without(Dataset<Row> rows, List<FileState> gone) {
    if (gone.isEmpty()) {
      return rows;
    }
    Dataset<Row> files =
        rows.sparkSession()
            .createDataFrame(
                gone.stream().map(f -> RowFactory.create(f.source(), f.file())).toList(), GONE);
    return rows.join(
        broadcast(files),
        col("source").equalTo(col("gone_source")).and(col("file").equalTo(col("gone_file"))),
        "left_anti");
  }
}
