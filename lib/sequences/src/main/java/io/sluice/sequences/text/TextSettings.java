package io.sluice.sequences.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.config.ConfigReader;
import io.sluice.config.Provenance;
import io.sluice.sequences.dataset.ManifestJson;
import io.sluice.sequences.telemetry.SequenceSettings.Reject;
import io.sluice.sequences.text.encoding.TextContract.Layout;
import io.sluice.sequences.text.encoding.TextContract.Truncate;
import io.sluice.sequences.text.encoding.Tokenisation;
import io.sluice.sequences.text.encoding.Tokenisation.Tokens;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * Settings of {@code build-sequences} for text. Defaults live in {@code conf/reference.conf} and
 * nowhere else.
 *
 * @param name of the experiment
 * @param source where text lies
 * @param reject what happens to documents that cannot be used
 * @param split what of the main source is validation and test
 * @param text what documents become
 * @param dataset what is written
 */
public record TextSettings(
    String name, Source source, Reject reject, Shares split, Text text, Target dataset) {

  private static final Pattern SECRET =
      Pattern.compile("(?i)(password|passwd|secret|token|credential|key)");

  /** Formats whose rows lie in files that nobody but their writer moves: they have a place. */
  private static final List<String> FILE_FORMATS =
      List.of("text", "csv", "json", "parquet", "orc", "avro");

  /** What a document of a text file is. */
  public enum Document {
    LINE,
    FILE
  }

  /**
   * @param path file, folder or glob; a Hadoop URI
   * @param format a Spark data source; text for plain files
   * @param options given to Spark's reader as they are
   * @param columnNames names for files without a header; empty where the files name their columns
   * @param document text files: a line or a file
   * @param textColumn the document
   * @param idColumn its name; null = its file, and its line where a file has several
   * @param labelColumn its class; null = none
   * @param validationPath a source whose documents are the validation split; null = a share
   * @param testPath likewise the test split
   */
  public record Source(
      String path,
      String format,
      Map<String, String> options,
      List<String> columnNames,
      Document document,
      String textColumn,
      String idColumn,
      String labelColumn,
      String validationPath,
      String testPath) {

    /** The same table elsewhere, by itself. */
    public Source at(String otherPath) {
      return new Source(
          otherPath,
          format,
          options,
          columnNames,
          document,
          textColumn,
          idColumn,
          labelColumn,
          null,
          null);
    }

    /** The paths with the settings that name them; the split of each is its place. */
    List<String> paths() {
      return Arrays.asList(path, validationPath, testPath);
    }
  }

  /**
   * Shares of the main source, 0 where a path gives the split. Documents are drawn by a hash of
   * their name; a stream is cut in order, between documents unless a split would then have none.
   */
  public record Shares(double validation, double test, long seed) {}

  /** What happens to bytes that are not UTF-8. */
  public enum InvalidUtf8 {
    /** Each becomes U+FFFD; documents are counted. */
    REPLACE,
    /** The document is rejected. */
    REJECT
  }

  /** What happens to a text that stands in two splits. */
  public enum Duplicate {
    /** It is counted, and warned of. */
    KEEP,
    /** It leaves train for validation and test, and validation for test. */
    DROP,
    /** The job fails. */
    FAIL
  }

  /**
   * @param tokenisation how text becomes tokens; its tokenizerHash is not known yet
   * @param tokenizerPath subword: a tokenizer.json; else null
   * @param invalidUtf8 what happens to bytes that are not UTF-8
   * @param maxTokens documents: longer ones are cut; 0 = never
   * @param truncate which end is cut off
   * @param classes in order of index; empty = the labels of the train split
   * @param duplicates what happens to a text in two splits
   * @param vocabulary how tokens get ids
   */
  public record Text(
      Tokenisation tokenisation,
      String tokenizerPath,
      InvalidUtf8 invalidUtf8,
      int maxTokens,
      Truncate truncate,
      List<String> classes,
      Duplicate duplicates,
      VocabularyRule vocabulary) {}

  /**
   * @param minCount tokens that occur less often in train are unknown
   * @param maxSize V at most, special tokens included; 0 = no bound
   * @param path a vocabulary file whose ids are kept; null = count the train split
   * @param pad token that fills up batches of documents
   * @param unknown token for what the vocabulary lacks
   */
  public record VocabularyRule(
      int minCount, int maxSize, String path, String pad, String unknown) {}

  /**
   * @param path the dataset folder
   * @param layout documents or stream
   * @param codec Parquet compression
   * @param partitions Spark partitions; 0 = spark.sql.shuffle.partitions
   * @param incremental keeps tokens beside the dataset, and of the dataset what has not changed
   */
  public record Target(
      String path, Layout layout, String codec, int partitions, boolean incremental) {}

  /** Reads every section of the job. */
  public static TextSettings from(ConfigReader root) {
    Target dataset = root.section("dataset", TextSettings::dataset);
    Source source = root.section("source", s -> source(s, dataset.layout()));
    var settings =
        new TextSettings(
            root.string("name"),
            source,
            root.section(
                "reject", s -> new Reject(s.numberBetween("max-share", 0, 1), s.string("path"))),
            root.section("split", s -> shares(s, source)),
            root.section("text", s -> text(s, dataset.layout(), source)),
            dataset);
    root.check(
        !dataset.incremental() || FILE_FORMATS.contains(source.format()),
        "dataset.incremental",
        "needs files that are added and replaced as they are, %s, but source.format is \"%s\"",
        FILE_FORMATS,
        source.format());
    settings.requireApart(root);
    IdleSettings.refuse(root, settings);
    return settings;
  }

  private static Source source(ConfigReader s, Layout layout) {
    Source source =
        source(
            s,
            layout,
            s.string("path"),
            s.optionalString("validation-path").orElse(null),
            s.optionalString("test-path").orElse(null));
    s.check(
        FILE_FORMATS.contains(source.format())
            || source.idColumn() != null
            || layout == Layout.STREAM,
        "columns.id",
        "is required with source.format = %s: its rows have no file and line that stay, to be named by",
        source.format());
    return source;
  }

  /**
   * Reads from the section {@code source} how documents lie in a table, for what is scored: {@link
   * Source#at} says where.
   */
  public static Source documents(ConfigReader s) {
    return source(s, Layout.DOCUMENTS, null, null, null);
  }

  private static Source source(
      ConfigReader s, Layout layout, String path, String validationPath, String testPath) {
    String format = s.string("format");
    List<String> names = s.strings("column-names");
    s.check(
        new HashSet<>(names).size() == names.size(),
        "column-names",
        "must be distinct, but are %s",
        names);
    record Columns(String text, String id, String label) {}
    s.check(
        FILE_FORMATS.contains(format) || layout == Layout.DOCUMENTS,
        "format",
        "must be one of %s with dataset.layout = stream, but is \"%s\": its rows have no order that stays, and a stream needs one",
        FILE_FORMATS,
        format);
    Columns columns =
        s.section(
            "columns",
            c -> {
              String label = c.optionalString("label").orElse(null);
              c.check(
                  label == null || layout == Layout.DOCUMENTS,
                  "label",
                  "needs dataset.layout = documents: a stream has no labels");
              return new Columns(
                  c.isAuto("text") ? (format.equals("text") ? "value" : "text") : c.string("text"),
                  c.optionalString("id").orElse(null),
                  label);
            });
    return new Source(
        path,
        format,
        s.stringMap("options"),
        names,
        s.choice("document", Document.class),
        columns.text(),
        columns.id(),
        columns.label(),
        validationPath,
        testPath);
  }

  private static Shares shares(ConfigReader s, Source source) {
    double validation = s.numberBetween("validation", 0, 1);
    double test = s.optionalNumberBetween("test", 0, 1).orElse(0.0);
    validation = source.validationPath() == null ? validation : 0;
    test = source.testPath() == null ? test : 0;
    s.check(
        validation + test < 1,
        "validation",
        "and split.test must leave something to train on, but are %s and %s",
        validation,
        test);
    return new Shares(validation, test, s.longValue("seed"));
  }

  private static Text text(ConfigReader s, Layout layout, Source source) {
    Tokens tokens = s.choice("tokens", Tokens.class);
    String lineEnd = s.optionalString("line-end").orElse(null);
    String tokenizerPath = s.optionalString("tokenizer-path").orElse(null);
    s.check(
        (tokens == Tokens.SUBWORD) == (tokenizerPath != null),
        "tokenizer-path",
        tokens == Tokens.SUBWORD
            ? "is required with text.tokens = subword"
            : "needs text.tokens = subword");
    Duplicate duplicates = s.choice("duplicates", Duplicate.class);
    s.check(
        duplicates != Duplicate.DROP || layout == Layout.DOCUMENTS,
        "duplicates",
        "must be keep or fail with dataset.layout = stream: a text with lines left out is another");
    VocabularyRule vocabulary = s.section("vocabulary", v -> vocabulary(v, layout, lineEnd));
    List<String> classes = s.strings("classes");
    s.check(
        new HashSet<>(classes).size() == classes.size(),
        "classes",
        "must be distinct, but are %s",
        classes);
    s.check(
        classes.isEmpty() || source.labelColumn() != null,
        "classes",
        layout == Layout.STREAM
            ? "must be [] with dataset.layout = stream: a stream has no labels"
            : "needs source.columns.label, the column with the class of each document");
    s.check(
        vocabulary.path() == null || tokens != Tokens.SUBWORD,
        "tokenizer-path",
        "has a vocabulary of its own, so text.vocabulary.path must be null");
    return new Text(
        new Tokenisation(
            s.flag("html"),
            s.choice("unicode", Tokenisation.Unicode.class),
            s.flag("lowercase"),
            tokens,
            s.choice("punctuation", Punctuation.class) == Punctuation.DROP,
            lineEnd,
            null),
        tokenizerPath,
        s.choice("invalid-utf8", InvalidUtf8.class),
        layout == Layout.DOCUMENTS ? s.intAtLeast("max-tokens", 0) : 0,
        s.choice("truncate", Truncate.class),
        classes,
        duplicates,
        vocabulary);
  }

  private enum Punctuation {
    KEEP,
    DROP
  }

  private static VocabularyRule vocabulary(ConfigReader v, Layout layout, String lineEnd) {
    String pad = v.string("pad");
    String unknown = v.string("unknown");
    int maxSize = v.intAtLeast("max-size", 0);
    v.check(
        maxSize == 0 || maxSize >= 4,
        "max-size",
        "must be 0 or at least 4, to hold more than the special tokens, but is %d",
        maxSize);
    v.check(
        !unknown.equals(lineEnd) && !pad.equals(lineEnd) && !pad.equals(unknown),
        "unknown",
        "must differ from text.vocabulary.pad (%s) and text.line-end (%s), but is %s",
        pad,
        lineEnd,
        unknown);
    return new VocabularyRule(
        v.intAtLeast("min-count", 1),
        maxSize,
        v.optionalString("path").orElse(null),
        layout == Layout.DOCUMENTS ? pad : null,
        unknown);
  }

  private static Target dataset(ConfigReader s) {
    String codec = s.string("codec");
    List<String> codecs = List.of("zstd", "snappy", "gzip", "lz4_raw", "uncompressed");
    s.check(codecs.contains(codec), "codec", "must be one of %s, but is \"%s\"", codecs, codec);
    s.check(
        !s.isSet("rebuild-from") && !s.isSet("rebuild-to"),
        s.isSet("rebuild-from") ? "rebuild-from" : "rebuild-to",
        "is for telemetry, and text has no times: set dataset.incremental = true, which finds out what is new");
    return new Target(
        s.string("path"),
        s.choice("layout", Layout.class),
        codec,
        s.intAtLeast("partitions", 0),
        s.flag("incremental"));
  }

  /** What is written replaces a folder as a whole, so no raw data may lie in it. */
  private void requireApart(ConfigReader root) {
    for (String kept : source.paths()) {
      requireOutside(root, kept, "dataset.path", dataset.path());
      requireOutside(root, kept, "reject.path", reject.path());
    }
    String tokens = dataset.incremental() ? KeptTokens.folder(dataset.path()) : null;
    requireOutside(root, tokens, "reject.path", reject.path());
    requireOutside(root, dataset.path(), "reject.path", reject.path());
    requireOutside(root, reject.path(), "dataset.path", dataset.path());
  }

  private static void requireOutside(
      ConfigReader root, String kept, String setting, String replaced) {
    root.check(
        kept == null || !withSlash(kept).startsWith(withSlash(replaced)),
        setting,
        "is replaced as a whole, so %s must not lie in it; give it a folder of its own",
        kept);
  }

  private static String withSlash(String path) {
    return path.endsWith("/") ? path : path + "/";
  }

  /** What the manifest keeps of them: all but where things are written; no secret. */
  JsonNode preparation() {
    ObjectNode json = ManifestJson.mapper().createObjectNode();
    json.set("source", ManifestJson.mapper().valueToTree(source));
    json.set("split", ManifestJson.mapper().valueToTree(split));
    json.set("text", ManifestJson.mapper().valueToTree(text));
    var open = new TreeMap<>(source.options());
    open.keySet().removeIf(key -> SECRET.matcher(key).find());
    ((ObjectNode) json.get("source")).set("options", ManifestJson.mapper().valueToTree(open));
    return json;
  }

  /** SHA-256 of everything that decides which rows are written. */
  String hash() {
    ObjectNode json = ((ObjectNode) preparation()).deepCopy();
    json.put("name", name);
    json.put("layout", ConfigReader.kebab(dataset.layout()));
    json.put("codec", dataset.codec());
    json.put("maxRejectedShare", reject.maxShare());
    return Provenance.sha256(ManifestJson.write(json));
  }

  /** The path of a source with the setting that names it. */
  String described(int sourceNumber) {
    String setting =
        switch (sourceNumber) {
          case 0 -> "source.path ";
          case 1 -> "source.validation-path ";
          default -> "source.test-path ";
        };
    return setting + Objects.requireNonNull(source.paths().get(sourceNumber));
  }
}
