package io.sluice.sequences.text;

import io.sluice.config.ConfigReader;
import io.sluice.config.Provenance;
import io.sluice.failure.InvalidInputException;
import io.sluice.failure.QualityGateException;
import io.sluice.sequences.dataset.ManifestJson;
import io.sluice.sequences.dataset.SequenceManifest.Audit;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.lake.Lake;
import io.sluice.sequences.lake.StagedFolder;
import io.sluice.sequences.spark.JobDescription;
import io.sluice.sequences.telemetry.source.RejectsTable;
import io.sluice.sequences.text.TextSettings.VocabularyRule;
import io.sluice.sequences.text.dataset.TextManifest;
import io.sluice.sequences.text.dataset.TextManifest.SplitSummary;
import io.sluice.sequences.text.encoding.TextContract;
import io.sluice.sequences.text.encoding.TextContract.Layout;
import io.sluice.sequences.text.encoding.Tokenisation;
import io.sluice.sequences.text.encoding.Vocabulary;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Turns text into a dataset; see the package for the order of things.
 *
 * <p>Builds aside and publishes whole: readers see the old dataset or the new one. A run that fails
 * leaves the old one in place, with one exception: a dataset whose audit failed is published,
 * marked as such, so that a person can look at it; training refuses it.
 */
public final class TextBuilder {
  private static final Logger LOG = LoggerFactory.getLogger(TextBuilder.class);
  private static final Duration LOCK_STALE_AFTER = Duration.ofMinutes(10);

  private final SparkSession spark;
  private final TextSettings settings;
  private final Provenance provenance;
  private final Configuration hadoop;
  private final Lake lake;
  private final List<String> warnings = new ArrayList<>();
  private final long startNanos = System.nanoTime();

  private TextBuilder(SparkSession spark, TextSettings settings, Provenance provenance) {
    this.spark = spark;
    this.settings = settings;
    this.provenance = provenance;
    this.hadoop = spark.sessionState().newHadoopConf();
    this.lake = Lake.of(hadoop);
  }

  /**
   * Builds and publishes the dataset.
   *
   * @throws InvalidInputException if the source cannot be used
   * @throws QualityGateException if the audit fails, or there are duplicates and none are wanted
   */
  public static TextReport build(SparkSession spark, TextSettings settings, Provenance provenance) {
    return new TextBuilder(spark, settings, provenance).run();
  }

  private TextReport run() {
    requireOwnFolders();
    // the lock comes first: whoever is second learns it before a pass over the source
    try (StagedFolder staged = stage(settings.dataset().path())) {
      String tokenizerJson = tokenizerJson();
      TokenTable table =
          describing(
              "tokenise",
              () -> TokenTable.write(spark, Reading.of(settings, tokenizerJson), staged.uri()));
      table.requireDocuments();
      LOG.info(
          "read       | {} documents of {} files, {} rejected",
          table.documents(),
          table.files(),
          sum(table.rejected()));
      Corpus all = describing("labels", () -> Corpus.of(table, settings));
      keepRejects(all);
      DuplicateTexts duplicates =
          describing(
              "duplicates",
              () ->
                  DuplicateTexts.of(
                      all,
                      settings.text().duplicates(),
                      settings.dataset().layout() == Layout.STREAM,
                      warnings));
      Corpus corpus = duplicates.corpus();
      Map<Split, TreeMap<Integer, Long>> lengths = describing("lengths", corpus::lengths);
      requireTrain(lengths);
      Vocabulary vocabulary = describing("vocabulary", () -> vocabulary(corpus, tokenizerJson));
      TextContract contract = contract(corpus, vocabulary, tokenizerJson);
      LOG.info("vocabulary | {} tokens of the train split", vocabulary.size());
      List<WrittenPart> written =
          describing("write", () -> write(staged, corpus, contract, vocabulary, lengths));
      Map<String, SplitSummary> splits =
          summaries(lengths, describing("labels", corpus::labels), written, contract);
      List<TextManifest.Part> parts = written.stream().map(WrittenPart::toPart).toList();
      Audit audit =
          describing(
              "audit",
              () ->
                  TextAudit.of(
                      spark,
                      staged.uri(),
                      parts,
                      corpus,
                      contract.layout(),
                      vocabulary,
                      settings.text().vocabulary().path() == null,
                      duplicates.found()));
      TextManifest manifest =
          manifest(table, contract, vocabulary, splits, parts, duplicates, audit).sealed();
      publish(staged, manifest, vocabulary, tokenizerJson);
      TextReport report = report(table, manifest);
      requireAudit(audit);
      return report;
    }
  }

  private <T> T describing(String what, Supplier<T> work) {
    try (var ignored = JobDescription.set(spark.sparkContext(), "build-sequences: " + what)) {
      return work.get();
    }
  }

  private StagedFolder stage(String path) {
    return StagedFolder.open(path, provenance.runId(), LOCK_STALE_AFTER, hadoop);
  }

  /** Both folders are replaced as a whole: refuses to replace what this job did not write. */
  private void requireOwnFolders() {
    String dataset = settings.dataset().path();
    List<String> inDataset = lake.children(dataset);
    if (!inDataset.isEmpty() && !inDataset.contains(TextManifest.FILE_NAME)) {
      throw RejectsTable.notReplaceable("dataset.path", dataset, "a sequence dataset", inDataset);
    }
    RejectsTable.requireReplaceable("reject.path", settings.reject().path(), hadoop);
  }

  private String tokenizerJson() {
    String path = settings.text().tokenizerPath();
    return path == null ? null : lake.readText(path, "tokenizer (text.tokenizer-path)");
  }

  private void keepRejects(Corpus corpus) {
    TokenTable table = corpus.table();
    TreeMap<String, Long> rejected = table.rejected();
    long n = sum(rejected);
    try (StagedFolder folder = stage(settings.reject().path())) {
      describing(
          "rejects",
          () -> {
            RejectsTable.write(settings.described(0), corpus.rejects(), n, folder);
            return null;
          });
    }
    table.requireFewRejected(
        settings.reject().maxShare(),
        settings.reject().path(),
        "correct the data or the settings of source and text");
    table.warningOfReplaced().ifPresent(warnings::add);
  }

  private void requireTrain(Map<Split, TreeMap<Integer, Long>> lengths) {
    long tokens = tokens(lengths.get(Split.TRAIN));
    if (tokens == 0) {
      throw new InvalidInputException(
          "%s leaves nothing to train on: the train split has %d documents and no token. Give more text, or lower split.validation and split.test."
              .formatted(settings.described(0), documents(lengths.get(Split.TRAIN))));
    }
    for (Split split : List.of(Split.VALIDATION, Split.TEST)) {
      if (documents(lengths.get(split)) == 0 && isWanted(split)) {
        warnings.add(
            "The %s split is empty. Give more text, or set split.%s = 0."
                .formatted(split.label(), split.label()));
      }
    }
  }

  private boolean isWanted(Split split) {
    return settings.source().paths().get(split.ordinal()) != null
        || (split == Split.VALIDATION ? settings.split().validation() : settings.split().test())
            > 0;
  }

  private Vocabulary vocabulary(Corpus corpus, String tokenizerJson) {
    VocabularyRule rule = settings.text().vocabulary();
    var special =
        new Vocabulary.Special(
            rule.pad(), rule.unknown(), settings.text().tokenisation().lineEnd());
    if (rule.path() != null) {
      return Vocabulary.parse(
          lake.readText(rule.path(), "vocabulary (text.vocabulary.path)"), special, rule.path());
    }
    TokenCounts counts = TokenCounts.of(corpus.table(), corpus.of(Split.TRAIN));
    if (tokenizerJson != null) {
      return Vocabulary.ofTokenizer(tokenizerJson, special, counts.all());
    }
    List<String> known =
        special.lineEnd() == null
            ? List.of(special.unknown())
            : List.of(special.unknown(), special.lineEnd());
    // a pad that is written in a text is an unknown word
    List<String> pad = special.pad() == null ? List.of() : List.of(special.pad());
    int room = rule.maxSize() == 0 ? 0 : rule.maxSize() - known.size() - pad.size();
    return Vocabulary.of(special, counts.most(rule.minCount(), room, known, pad));
  }

  private TextContract contract(Corpus corpus, Vocabulary vocabulary, String tokenizerJson) {
    Tokenisation t = settings.text().tokenisation();
    return new TextContract(
        settings.dataset().layout(),
        new Tokenisation(
            t.html(),
            t.unicode(),
            t.lowercase(),
            t.tokens(),
            t.dropPunctuation(),
            t.lineEnd(),
            tokenizerJson == null ? null : Provenance.sha256(tokenizerJson)),
        vocabulary.size(),
        vocabulary.hash(),
        vocabulary.padId(),
        vocabulary.unknownId(),
        vocabulary.lineEndId(),
        settings.text().maxTokens(),
        settings.text().truncate(),
        corpus.classes());
  }

  private List<WrittenPart> write(
      StagedFolder staged,
      Corpus corpus,
      TextContract contract,
      Vocabulary vocabulary,
      Map<Split, TreeMap<Integer, Long>> lengths) {
    var writing = new DatasetWriting(spark, staged, settings);
    if (contract.layout() == Layout.STREAM) {
      var tokens = new TreeMap<Split, Long>();
      lengths.forEach((split, own) -> tokens.put(split, tokens(own)));
      return writing.stream(corpus, vocabulary, tokens);
    }
    var stored = new TreeMap<Split, TreeMap<Integer, Long>>();
    lengths.forEach((split, own) -> stored.put(split, stored(own, contract.maxTokens())));
    return writing.documents(corpus, contract, vocabulary, stored);
  }

  /** Documents by the length that is left of them. */
  private static TreeMap<Integer, Long> stored(TreeMap<Integer, Long> lengths, int maxTokens) {
    var stored = new TreeMap<Integer, Long>();
    lengths.forEach(
        (length, n) ->
            stored.merge(maxTokens == 0 ? length : Math.min(length, maxTokens), n, Long::sum));
    return stored;
  }

  private static Map<String, SplitSummary> summaries(
      Map<Split, TreeMap<Integer, Long>> lengths,
      Map<Split, TreeMap<String, Long>> labels,
      List<WrittenPart> written,
      TextContract contract) {
    var summaries = new TreeMap<String, SplitSummary>();
    int most = contract.maxTokens() == 0 ? Integer.MAX_VALUE : contract.maxTokens();
    for (Split split : Split.values()) {
      TreeMap<Integer, Long> own = lengths.get(split);
      TreeMap<Integer, Long> stored = stored(own, contract.maxTokens());
      long tokens = tokens(stored);
      long unknown =
          written.stream().filter(p -> p.split() == split).mapToLong(WrittenPart::unknown).sum();
      summaries.put(
          split.label(),
          new SplitSummary(
              documents(own),
              tokens,
              unknown,
              tokens == 0 ? 0 : (double) unknown / tokens,
              documents(own.tailMap(most, false)),
              tokens(own) - tokens,
              labels.get(split),
              bins(stored)));
    }
    return summaries;
  }

  /** Powers of two, and the longest. */
  private static List<TextManifest.Bin> bins(TreeMap<Integer, Long> lengths) {
    var bins = new ArrayList<TextManifest.Bin>();
    if (lengths.isEmpty()) {
      return bins;
    }
    int longest = lengths.lastKey();
    long below = -1;
    for (long upTo = 1; below < longest; upTo *= 2) {
      int end = (int) Math.min(upTo, longest);
      bins.add(new TextManifest.Bin(end, documents(lengths.subMap((int) below, false, end, true))));
      below = end;
    }
    return bins;
  }

  private static long documents(Map<Integer, Long> lengths) {
    return lengths.values().stream().mapToLong(Long::longValue).sum();
  }

  private static long tokens(Map<Integer, Long> lengths) {
    return lengths.entrySet().stream().mapToLong(e -> e.getKey() * e.getValue()).sum();
  }

  private static long sum(Map<String, Long> counts) {
    return counts.values().stream().mapToLong(Long::longValue).sum();
  }

  private TextManifest manifest(
      TokenTable table,
      TextContract contract,
      Vocabulary vocabulary,
      Map<String, SplitSummary> splits,
      List<TextManifest.Part> parts,
      DuplicateTexts duplicates,
      Audit audit) {
    return new TextManifest(
        TextManifest.FORMAT,
        settings.name(),
        contract,
        vocabulary.special(),
        settings.preparation(),
        splits,
        parts,
        new TextManifest.Source(
            settings.source().path(),
            table.files(),
            table.documents(),
            table.replaced(),
            table.hash()),
        table.rejected(),
        duplicates.found(),
        settings.hash(),
        provenance.codeVersion(),
        provenance.startedAt().toString(),
        audit,
        null);
  }

  private void publish(
      StagedFolder staged, TextManifest manifest, Vocabulary vocabulary, String tokenizerJson) {
    lake.delete(staged.uri() + "/" + TokenTable.FOLDER);
    lake.writeTextAtomically(staged.uri() + "/" + Vocabulary.FILE_NAME, vocabulary.toText());
    if (tokenizerJson != null) {
      lake.writeTextAtomically(
          staged.uri() + "/" + TextManifest.TOKENIZER_FILE_NAME, tokenizerJson);
    }
    lake.writeTextAtomically(
        staged.uri() + "/" + TextManifest.FILE_NAME, ManifestJson.write(manifest));
    staged.publish();
  }

  private void requireAudit(Audit audit) {
    if (!audit.passed()) {
      List<String> failed =
          audit.checks().stream()
              .filter(c -> !c.passed())
              .map(c -> c.name() + ": " + c.finding())
              .toList();
      throw new QualityGateException(
          "The audit of %s failed: %s. Training refuses this dataset."
              .formatted(settings.dataset().path(), String.join("; ", failed)));
    }
  }

  private TextReport report(TokenTable table, TextManifest manifest) {
    manifest
        .splits()
        .forEach(
            (split, s) ->
                LOG.info(
                    "{} | {} documents, {} tokens, {} % unknown",
                    split, s.documents(), s.tokens(), "%.2f".formatted(100 * s.unknownShare())));
    warnings.forEach(w -> LOG.warn("{}", w));
    return new TextReport(
        settings.dataset().path(),
        ConfigReader.kebab(manifest.contract().layout()),
        table.documents(),
        table.rejected(),
        (double) sum(table.rejected()) / table.documents(),
        settings.reject().path(),
        table.replaced(),
        manifest.contract().vocabularySize(),
        manifest.contract().vocabularyHash(),
        manifest.contract().classes(),
        manifest.splits(),
        manifest.duplicates(),
        manifest.parts().size(),
        List.copyOf(warnings),
        manifest.audit(),
        (System.nanoTime() - startNanos) / 1e9);
  }
}
