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
import io.sluice.sequences.text.Corpus.Contents;
import io.sluice.sequences.text.KeptTokens.Built;
import io.sluice.sequences.text.TextSettings.VocabularyRule;
import io.sluice.sequences.text.dataset.TextManifest;
import io.sluice.sequences.text.dataset.TextManifest.SplitSummary;
import io.sluice.sequences.text.encoding.TextContract;
import io.sluice.sequences.text.encoding.TextContract.Layout;
import io.sluice.sequences.text.encoding.Tokenisation;
import io.sluice.sequences.text.encoding.Vocabulary;
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
    RejectsTable.requireOwnFolders(settings.dataset().path(), settings.reject().path(), hadoop);
    // the lock comes first: whoever is second learns it before a pass over the source
    try (StagedFolder staged = stage(settings.dataset().path())) {
      String tokenizerJson = tokenizerJson();
      Vocabulary given = givenVocabulary();
      Reading reading = Reading.of(settings, tokenizerJson);
      if (!settings.dataset().incremental()) {
        TokenTable table =
            describing("tokenise", () -> TokenTable.write(spark, reading, staged.uri()));
        return build(staged, table, tokenizerJson, given, LastBuild.none()).report();
      }
      LastBuild last =
          LastBuild.of(settings, provenance.codeVersion(), tokenizerJson, given, hadoop);
      var state = SourceState.list(settings.source(), hadoop);
      KeptTokens kept = KeptTokens.open(settings.dataset().path(), hadoop);
      if (last.isThere() && kept.isBuilt(new Built(last.manifest().seal(), state.hash()))) {
        LOG.info("unchanged  | files and settings are those of the last build: nothing to do");
        return report(last.manifest(), 0, List.of());
      }
      TokenTable table =
          describing(
              "tokenise",
              () ->
                  TokenTable.write(
                      spark,
                      reading,
                      settings.preparation().get("source"),
                      provenance.codeVersion(),
                      state,
                      kept));
      Result result = build(staged, table, tokenizerJson, given, last);
      kept.published(new Built(result.manifest().seal(), state.hash()));
      return result.report();
    }
  }

  private record Result(TextManifest manifest, TextReport report) {}

  private Result build(
      StagedFolder staged,
      TokenTable table,
      String tokenizerJson,
      Vocabulary given,
      LastBuild last) {
    table.requireDocuments();
    LOG.info(
        "read       | {} documents of {} files, {} of them tokenised now, {} documents rejected",
        table.documents(),
        table.files(),
        table.tokenisedFiles(),
        sum(table.rejected()));
    Corpus all = describing("labels", () -> Corpus.of(table, settings));
    keepRejects(all);
    if (settings.source().idColumn() != null && settings.dataset().layout() == Layout.DOCUMENTS) {
      warnOfRepeatedNames(describing("names", all::repeatedNames));
    }
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
    Map<Split, Contents> contents = describing("contents", corpus::contents);
    requireTrain(contents);
    // then its words are counted, and the count is audited
    boolean trainIsSame = last.has(Split.TRAIN, contents.get(Split.TRAIN).contentHash());
    Vocabulary vocabulary =
        describing(
            "vocabulary",
            () ->
                given != null
                    ? given
                    : trainIsSame ? last.vocabulary() : vocabulary(corpus, tokenizerJson));
    TextContract contract = contract(corpus, vocabulary, tokenizerJson);
    LOG.info("vocabulary | {} tokens of the train split", vocabulary.size());
    Parts parts =
        describing("write", () -> write(staged, corpus, contract, vocabulary, contents, last));
    Map<Split, TreeMap<String, Long>> labels = describing("labels", corpus::labels);
    warnOfOneClass(labels.get(Split.TRAIN));
    Audit audit =
        describing(
            "audit",
            () ->
                TextAudit.of(
                    spark,
                    staged.uri(),
                    parts.parts(),
                    corpus,
                    vocabulary,
                    given != null
                        ? TextAudit.givenVocabulary()
                        : trainIsSame ? last.vocabularyCheck() : null,
                    duplicates.found()));
    Map<String, SplitSummary> splits =
        SplitSummaries.of(contents, labels, parts.unknown(), contract.maxTokens());
    TextManifest manifest =
        manifest(table, contract, vocabulary, splits, parts.parts(), duplicates, audit).sealed();
    publish(staged, manifest, vocabulary, tokenizerJson);
    TextReport report = report(manifest, table.tokenisedFiles(), parts.writtenSplits());
    requireAudit(audit);
    return new Result(manifest, report);
  }

  private <T> T describing(String what, Supplier<T> work) {
    long start = System.nanoTime();
    try (var ignored = JobDescription.set(spark.sparkContext(), "build-sequences: " + what)) {
      return work.get();
    } finally {
      LOG.debug("{} took {} s", what, "%.1f".formatted((System.nanoTime() - start) / 1e9));
    }
  }

  private StagedFolder stage(String path) {
    return StagedFolder.open(path, provenance.runId(), StagedFolder.LOCK_STALE_AFTER, hadoop);
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

  private void requireTrain(Map<Split, Contents> contents) {
    if (contents.get(Split.TRAIN).tokens() == 0) {
      throw new InvalidInputException(
          "%s leaves nothing to train on: the train split has %d documents and no token. Give more text, or lower split.validation and split.test."
              .formatted(settings.described(0), contents.get(Split.TRAIN).documents()));
    }
    for (Split split : List.of(Split.VALIDATION, Split.TEST)) {
      if (contents.get(split).documents() == 0 && isWanted(split)) {
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

  private void warnOfRepeatedNames(Corpus.RepeatedNames repeated) {
    if (repeated.names() > 0) {
      warnings.add(
          "%d names in source.columns.id = %s stand more than once, %s for one: every document is kept, and what is said of them later cannot be told apart by name. Give each a name of its own."
              .formatted(repeated.names(), settings.source().idColumn(), repeated.first()));
    }
  }

  private void warnOfOneClass(Map<String, Long> documentsByClass) {
    if (documentsByClass.size() == 1) {
      warnings.add(
          "Every document of the train split has the label %s: there is nothing to tell apart. Check source.columns.label and the source."
              .formatted(documentsByClass.keySet().iterator().next()));
    }
  }

  private Vocabulary.Special special() {
    VocabularyRule rule = settings.text().vocabulary();
    return new Vocabulary.Special(
        rule.pad(), rule.unknown(), settings.text().tokenisation().lineEnd());
  }

  /** The vocabulary that the settings name; null where none is named. */
  private Vocabulary givenVocabulary() {
    String path = settings.text().vocabulary().path();
    return path == null
        ? null
        : Vocabulary.parse(
            lake.readText(path, "vocabulary (text.vocabulary.path)"), special(), path);
  }

  private Vocabulary vocabulary(Corpus corpus, String tokenizerJson) {
    VocabularyRule rule = settings.text().vocabulary();
    Vocabulary.Special special = special();
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

  /**
   * The files of the dataset.
   *
   * @param unknown tokens that the vocabulary lacks
   * @param writtenSplits whose files this build wrote; those of others it took over
   */
  private record Parts(
      List<TextManifest.Part> parts, Map<Split, Long> unknown, List<String> writtenSplits) {}

  private Parts write(
      StagedFolder staged,
      Corpus corpus,
      TextContract contract,
      Vocabulary vocabulary,
      Map<Split, Contents> contents,
      LastBuild last) {
    var lengths = new TreeMap<Split, TreeMap<Integer, Long>>();
    contents.forEach(
        (split, own) ->
            lengths.put(
                split,
                last.keeps(split, own.contentHash(), contract)
                    ? new TreeMap<>()
                    : SplitSummaries.stored(own.lengths(), contract.maxTokens())));
    List<Split> changed =
        contents.keySet().stream()
            .filter(s -> !last.keeps(s, contents.get(s).contentHash(), contract))
            .toList();
    var writing = new DatasetWriting(spark, staged, settings);
    List<WrittenPart> written =
        changed.isEmpty()
            ? List.of()
            : contract.layout() == Layout.STREAM
                ? writing.stream(corpus.of(changed), vocabulary, lengths)
                : writing.documents(corpus.of(changed), contract, vocabulary, lengths);
    var parts = new ArrayList<TextManifest.Part>();
    var unknown = new TreeMap<Split, Long>();
    for (Split split : Split.values()) {
      if (changed.contains(split)) {
        List<WrittenPart> own = written.stream().filter(p -> p.split() == split).toList();
        own.forEach(part -> parts.add(part.toPart()));
        unknown.put(split, own.stream().mapToLong(WrittenPart::unknown).sum());
      } else {
        parts.addAll(last.keep(split, staged));
        unknown.put(split, last.unknownTokens(split));
      }
    }
    return new Parts(
        List.copyOf(parts),
        unknown,
        changed.stream().filter(s -> contents.get(s).documents() > 0).map(Split::label).toList());
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
    lake.delete(staged.uri() + "/" + TokenTable.FOLDER); // there unless tokens are kept
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
      throw new QualityGateException(
          "The audit of %s failed: %s. Training refuses this dataset."
              .formatted(settings.dataset().path(), audit.failed()));
    }
  }

  private TextReport report(
      TextManifest manifest, long tokenisedFiles, List<String> writtenSplits) {
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
        manifest.source().files(),
        tokenisedFiles,
        manifest.source().documents(),
        manifest.rejectedDocuments(),
        (double) sum(manifest.rejectedDocuments()) / manifest.source().documents(),
        settings.reject().path(),
        manifest.source().replacedDocuments(),
        manifest.contract().vocabularySize(),
        manifest.contract().vocabularyHash(),
        manifest.contract().classes(),
        manifest.splits(),
        manifest.duplicates(),
        writtenSplits,
        manifest.parts().size(),
        List.copyOf(warnings),
        manifest.audit(),
        (System.nanoTime() - startNanos) / 1e9);
  }
}
