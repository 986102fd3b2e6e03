//! Every document, letter by letter.

use ledger_documents::{export, invoice, receipt, reminder, statement, Item, WIDTH};

fn lines(rows: &[&str]) -> String {
    rows.iter().map(|row| format!("{row}\n")).collect()
}

#[test]
fn an_invoice_sums_its_items() {
    let items = [Item::new("Anvil, 10 kg", 12_900), Item::new("Voucher", -500)];
    assert_eq!(
        invoice::render(42, "Wile E. Coyote", &items),
        lines(&[
            "INVOICE 000042",
            "Wile E. Coyote",
            "",
            "Anvil, 10 kg                      129.00",
            "Voucher                            -5.00",
            "----------------------------------------",
            "Total                             124.00",
        ])
    );
}

#[test]
fn a_receipt_gives_change() {
    let text = receipt::render("till 3", &[Item::new("Rope", 799)], 1_000);
    assert_eq!(
        text,
        lines(&[
            "RECEIPT till 3",
            "Rope                                7.99",
            "Total                               7.99",
            "Paid                               10.00",
            "Change                              2.01",
        ])
    );
}

#[test]
fn a_statement_ends_with_the_balance() {
    let text = statement::render("1001", 5, &[Item::new("Refund", -10)]);
    assert!(text.ends_with("Closing balance                    -0.05\n"), "{text}");
}

#[test]
fn long_labels_are_cut_by_characters_not_bytes() {
    let items = [Item::new("Größere Überraschung für Straßenläufer und andere", 100)];
    let row = invoice::render(1, "x", &items).lines().nth(3).unwrap().to_owned();
    assert_eq!(row.chars().count(), WIDTH);
    assert_eq!(row, "Größere Überraschung für Straßenlä… 1.00");
}

#[test]
fn an_export_keeps_its_separator_to_itself() {
    assert_eq!(export::render(&[Item::new("a;b", -1)]), "label;amount\na,b;-0.01\n");
}

#[test]
fn a_reminder_names_the_amount() {
    let text = reminder::render("Wile E. Coyote", 2, 12_345);
    assert!(text.ends_with("Amount due                        123.45\n"), "{text}");
}

#[test]
fn credit_below_one_unit_keeps_its_sign() {
    let text = reminder::render("Wile E. Coyote", 1, -50);
    assert!(text.ends_with("Amount due                         -0.50\n"), "{text}");
}
