package io.sluice.sequences.text;

import java.util.Locale;

/** Why a document cannot be used; the label is what reports and the rejects table say. */
enum TextReject {
  /** Its row does not have the columns its file has. */
  MALFORMED_ROW,
  TEXT_MISSING,
  ID_MISSING,
  LABEL_MISSING,
  /** Bytes that are not UTF-8, with text.invalid-utf8 = reject. */
  TEXT_NOT_UTF8,
  /** Not one token, in layout documents and where a model scores. */
  TEXT_EMPTY,
  /** A label that is none of the classes. */
  LABEL_UNKNOWN;

  String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
